"""Runs that meet on the real Airflow: resume of a live run, a DAG run that a person ends, a batch cleared alone."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families

from include.calls.names import DAG_ID, RECONCILE_DAG_ID
from include.calls.state.state import State
from simulators.kit.faults import FaultKind
from tests.airflow.system import MORE_DAYS, System, eventually
from tests.kit.state_samples import new_run

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.long, pytest.mark.timeout(900)]

HELD_DAY, RED_DAY = MORE_DAYS[:2]  # used by this file only


def run_of(system: System, key: str) -> dict[str, Any]:
    (run,) = system.rows("SELECT * FROM call_exports WHERE idempotency_key = %s", key)
    return run


def held(system: System, key: str, *arguments: str) -> str:
    """A run whose listing fails for as long as the test wants; its run_id."""
    system.portal.faults.add("batch", FaultKind.STATUS, times=-1, status=500)
    started = system.export("--from", HELD_DAY, "--to", HELD_DAY, "--key", key, "--no-follow", *arguments)
    assert started.returncode == 0, started.stdout + started.stderr
    query = "SELECT run_id FROM call_exports WHERE idempotency_key = %s AND status = 'running'"
    eventually(lambda: bool(system.rows(query, key)), 60, f"{key} is not running")
    return str(run_of(system, key)["run_id"])


def mark_failed(system: System, dag_run_id: str) -> None:
    """As a person does in the UI. Airflow 3.3.2 answers 500 if its scheduler wins a deadlock: asked again."""
    path = f"dags/{DAG_ID}/dagRuns/{quote(dag_run_id, safe='')}"
    eventually(lambda: system.api("PATCH", path, {"state": "failed"}).ok, 30, "the DAG run was not marked failed")


@pytest.fixture(autouse=True)
def _only_when_asked(system: System) -> Iterator[None]:
    """The schedule of `call_reconcile` must not join in."""
    pause_reconcile(system, paused=True)
    yield
    pause_reconcile(system, paused=False)


def pause_reconcile(system: System, *, paused: bool) -> None:
    answer = system.api("PATCH", f"dags/{RECONCILE_DAG_ID}", {"is_paused": paused})
    assert answer.status_code == 200, answer.text


def reconcile(system: System) -> None:
    """`call_reconcile` now, instead of within a quarter of an hour."""
    pause_reconcile(system, paused=False)
    answer = system.api("POST", f"dags/{RECONCILE_DAG_ID}/dagRuns", {"logical_date": None})
    assert answer.status_code == 200, answer.text
    path = f"dags/{RECONCILE_DAG_ID}/dagRuns/{quote(answer.json()['dag_run_id'], safe='')}"
    eventually(lambda: system.api("GET", path).json()["state"] == "success", 240, "call_reconcile has not ended")


def runs_in_error(system: System) -> float:
    page = system.call("GET", "metrics", token=system.user_token).text
    samples = [one for family in text_string_to_metric_families(page) for one in family.samples]
    return sum(one.value for one in samples if one.name == "call_export_runs_total" and one.labels["status"] == "error")


def states_shown(system: System) -> dict[str, set[str]]:
    """The statuses under which the metrics show each run; `CallExportLate` looks at the running ones."""
    page = system.call("GET", "metrics", token=system.user_token).text
    shown: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == "call_export_run_state" and sample.value:
                shown.setdefault(sample.labels["run_id"], set()).add(sample.labels["status"])
    return shown


def test_resume_of_a_live_run_is_refused_at_each_door(system: System) -> None:
    """Command line, our own route, Airflow's form; then the run ends as if nobody had tried."""
    run_id = held(system, "live", "--dry-run")
    before = [run["dag_run_id"] for run in system.dag_runs()]

    typed = system.export("--resume", "--run-id", run_id)
    assert (typed.returncode, typed.stderr.count("\n")) == (2, 1), typed.stderr
    assert f"запуск {run_id} ещё идёт, над ним работает DAG-запуск key__live" in typed.stderr

    posted = system.call("POST", "runs", {"resume_run_id": run_id}, token=system.user_token)
    assert posted.status_code == 409, posted.text
    assert f"run {run_id} is still at work" in posted.json()["detail"]
    assert [run["dag_run_id"] for run in system.dag_runs()] == before

    clicked = system.trigger(resume_run_id=run_id).json()["dag_run_id"]
    ended = system.ended(clicked)
    assert ended["state"] == "failed"
    assert "ещё идёт, над ним работает DAG-запуск key__live" in ended["note"]
    assert {task["state"] for task in system.tasks(clicked)} <= {"failed", "upstream_failed", "skipped"}

    live = run_of(system, "live")
    assert (live["status"], live["metadata"]["worked_by"]) == ("running", "key__live")
    system.portal.faults.clear()
    assert system.ended("key__live")["state"] == "success"
    assert run_of(system, "live")["status"] == "completed"


def test_runs_that_airflow_has_given_up_are_closed(system: System) -> None:
    """One DAG run marked failed, one deleted, one that Airflow has never heard of (its database was lost)."""
    failed = held(system, "marked")
    deleted = held(system, "deleted", "--dry-run")  # only the first one has a report to draw
    for key in ("marked", "deleted"):
        mark_failed(system, f"key__{key}")
    gone = f"dags/{DAG_ID}/dagRuns/key__deleted"
    eventually(lambda: system.api("DELETE", gone).status_code in (204, 404), 30, "the DAG run was not deleted")
    with State.open(system.databases.state_url) as state:
        lost = new_run(key="lost", dag_run_id=f"scheduled__{uuid4()}", dry_run=True)
        state.runs.open(lost)
        state.runs.move(lost.run_id, "running", expected={"pending"}, stage="open_run")  # type: ignore[arg-type]
    before = runs_in_error(system)
    system.portal.faults.clear()

    reconcile(system)

    for key, run_id in (("marked", failed), ("deleted", deleted), ("lost", str(lost.run_id))):
        run = run_of(system, key)
        assert (str(run["run_id"]), run["status"]) == (run_id, "error")
        assert run["verdict"].startswith("прерван: Airflow больше не ведёт DAG-запуск "), run["verdict"]
        assert run["finished_at"] is not None
        (event,) = system.rows("SELECT detail FROM call_events WHERE run_id = %s AND stage = 'reconcile'", run_id)
        assert event["detail"]["verdict"] == run["verdict"]
    eventually(lambda: runs_in_error(system) == before + 3, 30, "CallExportRunFailed does not fire")  # a page is kept
    assert not {failed, deleted, str(lost.run_id)} & {
        run_id for run_id, shown in states_shown(system).items() if "running" in shown
    }, "CallExportLate does not"
    assert system.dag_run("key__marked")["note"].startswith("Error: прерван: Airflow больше не ведёт")
    assert list(system.folder(HELD_DAY, HELD_DAY).glob("reports/summary_*.md"))
    assert list(system.folder(HELD_DAY, HELD_DAY).glob("logs/*.jsonl"))

    resumed = system.export("--resume", "--run-id", deleted)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert run_of(system, "deleted")["status"] == "completed"


def test_a_batch_cleared_without_downstream_is_closed_as_well(system: System) -> None:
    """Its task opens the run again and nothing of its DAG run closes it: registry, report and verdict follow."""
    victim = next(
        call for call in system.portal.world.calls.values() if call.file_id and f"{call.started_at:%Y-%m-%d}" == RED_DAY
    )
    system.portal.faults.add("download", FaultKind.STATUS, times=-1, match=str(victim.file_id), status=500)
    done = system.export("--from", RED_DAY, "--to", RED_DAY, "--key", "alone")
    assert done.returncode == 1
    system.portal.faults.clear()
    (index,) = [
        task["map_index"]
        for task in system.tasks("key__alone")
        if (task["task_id"], task["state"]) == ("batch.download", "failed")
    ]
    for stage in ("batch.download", "batch.transcribe"):
        cleared = system.api("POST", f"dags/{DAG_ID}/clearTaskInstances", {
            "dry_run": False, "only_failed": False, "dag_run_id": "key__alone", "task_ids": [[stage, index]],
        })  # fmt: skip
        assert cleared.status_code == 200, cleared.text
        eventually(lambda: system.dag_run("key__alone")["state"] in ("success", "failed"), 90, f"{stage} has not ended")
    assert run_of(system, "alone")["status"] == "running", "the repaired run waits for its verdict"

    reconcile(system)

    run = run_of(system, "alone")
    assert (run["status"], run["completed_calls"]) == ("completed", len(_recordings(system, run["run_id"])))
    (file,) = system.folder(RED_DAY, RED_DAY).glob("registry/*.csv")
    assert ";error;" not in file.read_text(encoding="utf-8-sig")


def _recordings(system: System, run_id: UUID) -> list[dict[str, Any]]:
    return system.rows("SELECT 1 FROM call_records WHERE run_id = %s AND status = 'completed'", run_id)
