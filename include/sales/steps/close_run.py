"""`close`: the verdict of a run, from the rows alone; leases end, the alert opens or closes."""

from dataclasses import dataclass

from include.common.errors import LoadCode
from include.sales.domain.jobs import Job
from include.sales.state.state import SalesState
from include.sales.wording import run_notes

# Failures with an alert of their own: what helps is not what helps with any failed run.
_ALERT_OF = {
    LoadCode.SOURCE_UNAUTHORIZED: "source_rights",
    LoadCode.SOURCE_FORBIDDEN: "source_rights",
    LoadCode.MAIL_AUTH: "source_rights",
    LoadCode.SHRUNK_WINDOW: "shrunk_window",
    LoadCode.SCHEMA_DRIFT: "schema_drift",
}


@dataclass(frozen=True, slots=True)
class Closed:
    """`reason` is empty for a good run; `sentence` is what an operator reads of a bad one."""

    is_good: bool
    reason: str
    sentence: str


def close_run(
    state: SalesState, job: Job, dag_run_id: str, *, failed_task: str | None, dry_run: bool = False
) -> Closed:
    """`failed_task`: a task before the loads that did not succeed. May be repeated: the verdict is the same."""
    loads = state.loads.of_run(dag_run_id)
    good = [one for one in loads if one.status == "loaded"]
    noted = state.job_runs.noted(job.name, dag_run_id)
    code = next((one.error_code for one in loads if one.error_code), None) or noted.error_code
    rows = sum(one.rows for one in good)
    is_good = failed_task is None and len(good) == len(loads) and not (dry_run and noted.error_code)
    reason = (
        "" if is_good else (f"task {failed_task} failed" if failed_task else f"{len(loads) - len(good)} loads failed")
    )
    sentence = noted.message if failed_task else run_notes.not_all(len(loads), len(good), noted.message)
    with state.transaction():
        state.leases.release(dag_run_id)
        state.job_runs.end(
            job.name,
            dag_run_id,
            "success" if is_good else "error",
            rows=rows,
            message="" if is_good else sentence,
            error_code=None if is_good else (code or "internal"),
            metrics={"loads": len(loads), "tombstones": sum(one.tombstones for one in good)},
        )
        source = job.source.value if job.source else ""
        if is_good:
            for alert in sorted({"job_failed", *_ALERT_OF.values()}):
                state.alerts.resolve(alert, job=job.name, source=source)
        else:
            state.alerts.see(
                _alert_of(code, failed_task),
                "error",
                job=job.name,
                source=source,
                message=sentence,
                details={"run_id": dag_run_id, "error_code": code or "internal"},
            )
    return Closed(is_good, reason, sentence)


def _alert_of(code: str | None, failed_task: str | None) -> str:
    """`schema_drift` of a task before the loads is about our own schema, which has an alert of its own."""
    if code is None or (code == LoadCode.SCHEMA_DRIFT and failed_task):
        return "job_failed"
    return {str(one): alert for one, alert in _ALERT_OF.items()}.get(code, "job_failed")
