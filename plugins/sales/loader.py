"""The tasks that every loader's DAG has: open, preflight, load (mapped), publish, close."""

from datetime import timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, Param, TriggerRule, task
from airflow.sdk import get_current_context as context

from include.sales.domain.jobs import JOBS
from include.sales.schedule import ZONE
from include.sales.wording import run_form as words
from plugins.airflow_kit.retry import PORTAL_LADDER, TASK_RETRIES, LadderRetryPolicy
from plugins.sales import tasks
from plugins.sales.operators.load_operator import LoadOperator
from plugins.sales.sales_assets import PUBLISHED

BACKOFF_SECONDS = 5
# `retry_delay` is the ladder's first step: Airflow asks no retry policy after a killed process.
RETRIES: dict[str, Any] = {
    "retries": TASK_RETRIES,
    "retry_delay": timedelta(seconds=BACKOFF_SECONDS),
    "retry_policy": LadderRetryPolicy(BACKOFF_SECONDS, PORTAL_LADDER),
    "weight_rule": "absolute",
}
DEFAULT_ARGS: dict[str, Any] = {"owner": "dataops", "execution_timeout": timedelta(hours=4), **RETRIES}
DAG_ARGS: dict[str, Any] = {"catchup": False, "max_active_runs": 1, "tags": ["sales"], "default_args": DEFAULT_ARGS}
# Later tasks weigh more: a run that has begun ends before another begins.
WEIGHT = {"open": 1, "preflight": 2, "load": 3, "publish": 4, "close": 5}
_DAY: dict[str, Any] = {"type": ["null", "string"], "format": "date"}

DRY_RUN = Param(False, type="boolean", title=words.DRY_RUN[0], description=words.DRY_RUN[1])
WINDOW_PARAMS: dict[str, Param] = {
    "date_from": Param(None, **_DAY, title=words.DATE_FROM[0], description=words.DATE_FROM[1]),
    "date_to": Param(None, **_DAY, title=words.DATE_TO[0], description=words.DATE_TO[1]),
    "days_back": Param(
        None, type=["null", "integer"], minimum=1, title=words.DAYS_BACK[0], description=words.DAYS_BACK[1]
    ),
    "accept_shrink": Param(False, type="boolean", title=words.ACCEPT_SHRINK[0], description=words.ACCEPT_SHRINK[1]),
    "dry_run": DRY_RUN,
}
DELTA_PARAMS: dict[str, Param] = {
    "hours_back": Param(
        None, type=["null", "integer"], minimum=1, title=words.HOURS_BACK[0], description=words.HOURS_BACK[1]
    ),
    "dry_run": DRY_RUN,
}

BACKUP_PARAM = Param(None, type=["null", "string"], title=words.BACKUP[0], description=words.BACKUP[1])
MAIL_PARAMS: dict[str, Param] = {
    "query": Param(None, type=["null", "string"], title=words.QUERY[0], description=words.QUERY[1]),
    "days_back": WINDOW_PARAMS["days_back"],
    "limit": Param(None, type=["null", "integer"], minimum=1, title=words.LIMIT[0], description=words.LIMIT[1]),
    "dry_run": DRY_RUN,
}
ALERT_PARAMS: dict[str, Param] = {
    "check_health": Param(True, type="boolean", title=words.CHECK_HEALTH[0], description=words.CHECK_HEALTH[1])
}


def by_cron(cron: str, *, is_paused: bool = False) -> dict[str, Any]:
    """Arguments of a DAG that runs by the calendar of sales."""
    return {"schedule": CronTriggerTimetable(cron, timezone=ZONE), "is_paused_upon_creation": is_paused, **DAG_ARGS}


def accounts_param(name: str, title: str) -> dict[str, Param]:
    """A list of accounts; empty is all of the connection."""
    return {name: Param([], type="array", items={"type": "string"}, title=title, description=words.ALL_ACCOUNTS)}


def load_tasks(job_name: str, pool: str) -> None:
    """Makes and wires the tasks inside the DAG that is being defined."""

    job = JOBS[job_name]

    @task(task_id="open", priority_weight=WEIGHT["open"])
    def open_run() -> list[int]:
        """Scopes, leases and load numbers; returns the numbers of the loads that may start."""
        return tasks.open_run(context(), job.name)

    @task(pool=pool, priority_weight=WEIGHT["preflight"])
    def preflight() -> None:
        """Checks access, schema and clocks before anything is loaded."""
        tasks.preflight(context(), job.name)

    @task(priority_weight=WEIGHT["publish"], trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS, outlets=[PUBLISHED])
    def publish() -> int:
        """The run's note and the asset's event; returns how many rows were loaded."""
        return tasks.publish(context(), job.name)

    @task(priority_weight=WEIGHT["close"], trigger_rule=TriggerRule.ALL_DONE)
    def close() -> None:
        """The verdict. The DAG's only leaf: it fails exactly if something was not loaded."""
        tasks.close_run(context(), job.name)

    opened, checked = open_run(), preflight()
    load = LoadOperator.partial(task_id="load", job=job.name, pool=pool, priority_weight=WEIGHT["load"]).expand(
        load_id=opened
    )
    opened >> checked >> load >> publish() >> close()
