"""A forecast above the budget on a running Airflow: the run waits, is cancelled without a decision, goes on after one.

The same in the UI, with a refusal: tests/browser/test_approval_in_the_ui.py.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import psycopg
import pytest

from include.calls.names import DAG_ID
from ops.one_machine.up import running_environment
from tests.airflow.costly_calls import add_costly_calls
from tests.airflow.system import System, eventually

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.long, pytest.mark.timeout(400)]

DAYS = ("2025-09-05", "2025-09-06")
AFTER_PARKING = 3.0  # seconds; an answer that comes sooner is lost to a race in Airflow 3.3.2, and asked for again


@contextmanager
def exporting(system: System, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """`make export` or `make resume` in a terminal of its own."""
    environment = running_environment(system.runtime) | {"COLUMNS": "400"}
    command = [sys.executable, "-m", "jobs.call_export", *arguments]
    with subprocess.Popen(
        command, env=environment, cwd=system.runtime.root, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def question_in(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """The line that says that the run waits for a decision, and the id of its DAG run."""
    assert process.stdout is not None
    dag_run_id = ""
    for line in process.stdout:
        if line.startswith("запущено: "):
            dag_run_id = line.split()[1]
        if line.startswith("жду согласования расхода"):
            return line, dag_run_id
    raise AssertionError("it never waited")


def state_of_plan(system: System, dag_run_id: str) -> str:
    return next(task["state"] for task in system.tasks(dag_run_id) if task["task_id"] == "plan")


def let_time_run_out(system: System, dag_run_id: str) -> None:
    """Ends the time for a decision, as if twelve hours had passed."""
    with psycopg.connect(system.databases.metadata_url) as connection:
        moved = connection.execute(
            "UPDATE task_instance SET trigger_timeout = now() WHERE run_id = %s AND state = 'awaiting_input' "
            "AND trigger_timeout > now() + interval '11 hours' AND trigger_timeout < now() + interval '12 hours'",
            [dag_run_id],
        ).rowcount
    assert moved == 1, "it waits for twelve hours, as policy.yaml says"


def test_cancelled_without_a_decision_then_resumed_and_approved(system: System) -> None:
    calls = add_costly_calls(system.portal.world, DAYS[0], 4)
    before = len(system.downloads()), system.recognitions()

    with exporting(system, "--from", DAYS[0], "--to", DAYS[1]) as process:
        line, dag_run_id = question_in(process)
        assert line.strip().endswith(f"/dags/{DAG_ID}/runs/{dag_run_id}/tasks/plan/required_actions")
        eventually(lambda: state_of_plan(system, dag_run_id) == "awaiting_input", 30, "plan is not parked")
        assert system.dag_run(dag_run_id)["note"].startswith("Жду ответа на вкладке Required Actions.")
        assert all(pool["occupied_slots"] == 0 for pool in system.api("GET", "pools").json()["pools"])
        sent = [message["text"] for message in system.slack.messages if "Нужно согласование" in message["text"]]
        assert sum(f"/dags/{DAG_ID}/runs/{dag_run_id}/tasks/plan/required_actions" in text for text in sent) == 1
        let_time_run_out(system, dag_run_id)
        output, _ = process.communicate(timeout=90)
    assert process.returncode == 1
    (run,) = system.rows("SELECT * FROM call_exports WHERE dag_run_id = %s", dag_run_id)
    assert (run["status"], run["spent_cost"], run["approved_cost"]) == ("cancelled", 0, None)
    assert f"make resume RUN_ID={run['run_id']} спросит снова" in output
    assert (len(system.downloads()), system.recognitions()) == before
    assert system.dag_run(dag_run_id)["state"] == "success", "a decision is no failure"
    assert system.dag_run(dag_run_id)["note"].startswith("Cancelled: расход до 94,50 USD не согласован в срок")
    assert len(list(system.folder(*DAYS).glob("*/*.csv"))) == 1, "the registry is written nevertheless"

    with exporting(system, "--resume", "--run-id", str(run["run_id"])) as process:
        _, dag_run_id = question_in(process)
        eventually(lambda: state_of_plan(system, dag_run_id) == "awaiting_input", 30, "plan is not parked")
        time.sleep(AFTER_PARKING)
        answer = {"chosen_options": ["Approve"], "params_input": {}}
        path = f"dags/{DAG_ID}/dagRuns/{dag_run_id}/taskInstances/plan/-1/hitlDetails"
        assert system.api("PATCH", path, answer).status_code == 200
        process.communicate(timeout=120)
    assert process.returncode == 0
    (run,) = system.rows("SELECT * FROM call_exports WHERE run_id = %s", run["run_id"])
    assert (run["status"], run["approved_cost"]) == ("completed", Decimal("94.50"))
    assert len(system.downloads()) - before[0] == len(calls)
    decided = system.rows(
        "SELECT event, detail ->> 'by' AS by FROM call_events WHERE run_id = %s "
        "AND event IN ('approval_wanted', 'approval_timed_out', 'refused', 'approved') ORDER BY id",
        run["run_id"],
    )
    assert [(one["event"], one["by"]) for one in decided] == [
        ("approval_wanted", None),
        ("approval_timed_out", None),
        ("approval_wanted", None),
        ("approved", "admin"),
    ]
