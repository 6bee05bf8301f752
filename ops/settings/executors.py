"""EXECUTOR -> Airflow's options: who executes the tasks, and what their hosts share (ADR 0039)."""

import json
from urllib.parse import urlsplit, urlunsplit

from include.calls.names import STORAGE_CONN
from include.common.names import DEFAULT_QUEUE
from ops.settings.env_file import Settings

LOGS = "airflow-logs"  # the folder of the bucket
_LOCAL = "plugins.airflow_kit.local_executor.LastingLocalExecutor"
_CELERY = "airflow.providers.celery.executors.celery_executor.CeleryExecutor"
_KUBERNETES = "airflow.providers.cncf.kubernetes.executors.kubernetes_executor.KubernetesExecutor"
# A worker imports before it forks: a task starts in a third of a second.
PRELOADED = "plugins.airflow_kit.celery_imports"
DAY = 24 * 60 * 60
# A full quota or a throttled API is waited for: by Airflow's default it costs the task a try at once.
PODS = {
    "kubernetes_executor__task_publish_max_retries": -1,
    "kubernetes_executor__async_pod_creation": True,
    "kubernetes_executor__worker_pods_creation_batch_size": 16,
}


def executor_options(settings: Settings) -> dict[str, object]:
    """By section and name, as in `AIRFLOW__SECTION__NAME`."""
    if settings.executor == "local":
        return {"core__executor": _LOCAL}
    if settings.executor == "celery":
        return _celery(settings) | _logs(settings)
    return _kubernetes() | _logs(settings)


def _celery(settings: Settings) -> dict[str, object]:
    """Early acknowledgement and no prefetch: nothing is ever delivered twice (a task that is kills its healthy first
    delivery), and nothing waits behind a full worker. What dies with a worker is found by its heartbeat, or, where it
    was delivered and not started, by the queue's timeout."""
    assert settings.broker_url is not None  # noqa: S101  checked with the settings
    broker = settings.broker_url.get_secret_value()
    return {
        "core__executor": _CELERY,
        "celery__broker_url": broker,
        "celery__result_backend": _results(broker),
        "celery__worker_concurrency": settings.worker_slots,
        "celery__worker_prefetch_multiplier": 1,
        "celery__task_acks_late": False,
        "celery__extra_celery_config": json.dumps(
            {"worker_disable_prefetch": True, "imports": [PRELOADED], "result_expires": DAY}
        ),
        # longer than any task: a shorter one delivers running tasks again
        "celery_broker_transport_options__visibility_timeout": DAY,
        "operators__default_queue": DEFAULT_QUEUE,
        **_queued(),
    }


def _kubernetes() -> dict[str, object]:
    """Where pods are made and of what is the scheduler's Deployment's to say (deploy/kubernetes)."""
    return {"core__executor": _KUBERNETES, **PODS, **_queued()}


def _queued() -> dict[str, object]:
    """A task that was delivered and never started holds its slot for so long, instead of ten minutes."""
    return {"scheduler__task_queued_timeout": 120, "scheduler__task_queued_timeout_check_interval": 15}


def _logs(settings: Settings) -> dict[str, object]:
    """A worker's disk goes with its host, so logs of tasks go to the bucket."""
    folder = "/".join(filter(None, (settings.s3_bucket, settings.s3_prefix, LOGS)))
    return {
        "logging__remote_logging": True,
        "logging__remote_base_log_folder": f"s3://{folder}",
        "logging__remote_log_conn_id": STORAGE_CONN,
        "logging__encrypt_s3_logs": settings.s3_encryption == "AES256",
    }


def _results(broker: str) -> str:
    """The next database of the same server: Airflow's own PostgreSQL stays closed to workers."""
    parts = urlsplit(broker)
    number = int(parts.path.strip("/") or 0)
    return urlunsplit(parts._replace(path=f"/{number + 1}"))
