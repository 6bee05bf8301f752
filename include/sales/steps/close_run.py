"""`close`: the verdict of a run, from the rows alone; leases end, the alert opens or closes."""

from dataclasses import dataclass

from include.sales.domain.jobs import Job
from include.sales.state.state import SalesState
from include.sales.wording import run_notes


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
            state.alerts.resolve("job_failed", job=job.name, source=source)
        else:
            state.alerts.see(
                "job_failed",
                "error",
                job=job.name,
                source=source,
                message=sentence,
                details={"run_id": dag_run_id, "error_code": code or "internal"},
            )
    return Closed(is_good, reason, sentence)
