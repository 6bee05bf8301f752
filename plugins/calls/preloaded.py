"""What the tasks of the area import when they run; the executor's workers import it before (`local_executor.py`)."""

MODULES = (
    "plugins.calls.tasks",
    "plugins.calls.telephony",
    "plugins.calls.assets",
    "plugins.calls.secret_fingerprints",
    "plugins.calls.lineage",
    "plugins.airflow_kit.celery_workers",
    "plugins.airflow_kit.stop_signal",
    "include.common.secret_digest",
    "include.calls.pools",
    "include.calls.wording.retention",
    "plugins.calls.erasure_tasks",
    "plugins.hooks.language_model",
    "plugins.hooks.recogniser",
    "include.clients.bitrix24.telephony",
    "include.clients.language_models.routing_state",
    *(
        f"include.calls.steps.{step}"
        for step in (
            *("open_run", "preflight", "list_calls", "plan", "approve"),
            *("download", "transcribe_batch", "summarize", "publish", "close_run", "reconcile", "erase"),
            *("note_policy", "note_secrets", "expire"),
        )
    ),
)
