"""Airflow's own backfill of the export, through REST and the command line."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import requests

from include.calls.names import DAG_ID
from ops.one_machine.up import running_environment
from tests.airflow.system import BACKFILLED_DAYS, ENDED, System, eventually

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.long, pytest.mark.timeout(1200)]

FIRST, LAST = f"{BACKFILLED_DAYS[0]}T00:00:00Z", f"{BACKFILLED_DAYS[-1]}T23:59:59Z"


def asked(system: System, first: str = FIRST, last: str = LAST, **conf: Any) -> requests.Response:
    body = {"dag_id": DAG_ID, "from_date": first, "to_date": last, "max_active_runs": 2, "dag_run_conf": conf}
    return system.api("POST", "backfills", body)


def typed(system: System, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`airflow backfill create`, as docs/api.md has it."""
    days = ("--from-date", FIRST, "--to-date", LAST, "--max-active-runs", "2")
    return subprocess.run(
        [sys.executable, "-m", "airflow", "backfill", "create", "--dag-id", DAG_ID, *days, *arguments],
        env=running_environment(system.runtime) | {"COLUMNS": "400"},
        cwd=system.runtime.root,
        capture_output=True,
        text=True,
        check=False,
    )


def runs_of(system: System) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = system.api(
        "GET", f"dags/{DAG_ID}/dagRuns?run_type=backfill&order_by=logical_date&limit=100"
    ).json()["dag_runs"]
    return found


def exports(system: System) -> list[dict[str, Any]]:
    return system.rows("SELECT * FROM call_exports WHERE trigger = 'backfill' ORDER BY period_from")


def over(system: System) -> None:
    """Every run has ended, and the scheduler has seen that: until then Airflow refuses another backfill."""
    eventually(lambda: bool(runs_of(system)), 120, "no run was made")
    eventually(lambda: all(run["state"] in ENDED for run in runs_of(system)), 400, "the runs have not ended")
    path = f"backfills?dag_id={DAG_ID}"
    eventually(
        lambda: all(one["completed_at"] for one in system.api("GET", path).json()["backfills"]),
        120,
        "the backfill is not over",
    )


def delete(system: System, dag_run_id: str) -> None:
    assert system.api("DELETE", f"dags/{DAG_ID}/dagRuns/{quote(dag_run_id, safe='')}").ok


def test_what_names_one_run_is_refused_in_each_of_them(system: System) -> None:
    """One key for all days would leave every day but the first without a text, and green."""
    spent = len(system.downloads()), system.recognitions()
    answer = asked(system, idempotency_key="august")
    assert answer.ok, answer.text
    over(system)
    made = runs_of(system)
    assert [run["state"] for run in made] == ["failed", "failed"]
    for run in made:
        assert run["note"].startswith("open_run: ")
        assert "idempotency_key — про один запуск" in run["note"]
    assert exports(system) == []
    assert (len(system.downloads()), system.recognitions()) == spent
    for run in made:  # Airflow keeps the dates of a backfill: the next test wants runs of its own
        delete(system, run["dag_run_id"])


def test_each_day_is_exported_by_a_run_of_its_own_and_bought_once(system: System) -> None:
    before = len(system.downloads()), system.recognitions()
    answer = asked(system)
    assert answer.ok, answer.text
    meanwhile = asked(system)
    assert (meanwhile.status_code, "running" in meanwhile.text) == (409, True), "Airflow's own sentence"
    over(system)
    made = runs_of(system)
    assert [run["state"] for run in made] == ["success", "success"]
    rows = exports(system)
    assert [(row["period_from"], row["period_to"], row["status"]) for row in rows] == [
        (start, start + timedelta(days=1, seconds=-1), "completed")
        for start in (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in BACKFILLED_DAYS)
    ]
    assert all(list(system.folder(day, day).glob("registry/*.csv")) for day in BACKFILLED_DAYS)
    bought = len(system.downloads()), system.recognitions()
    assert bought > before
    charged = system.rows(
        "SELECT sum(requests) AS requests FROM charges"
        " WHERE run_id = ANY(%s) AND purpose IN ('recognition', 'fallback')",
        [row["run_id"] for row in rows],
    )
    assert charged[0]["requests"] == bought[1] - before[1], "each paid request is charged once"

    again = typed(system)
    assert again.returncode == 0, again.stdout + again.stderr
    over(system)
    assert [run["dag_run_id"] for run in runs_of(system)] == [run["dag_run_id"] for run in made], "days that are there"

    repeated = typed(system, "--reprocess-behavior", "completed")
    assert repeated.returncode == 0, repeated.stdout + repeated.stderr
    over(system)
    assert [run["state"] for run in runs_of(system)] == ["success", "success"]
    assert [row["run_id"] for row in exports(system)] == [row["run_id"] for row in rows]
    assert [row["spent_cost"] for row in exports(system)] == [row["spent_cost"] for row in rows]
    assert (len(system.downloads()), system.recognitions()) == bought, "nothing is downloaded or paid twice"


@pytest.mark.parametrize(
    ("first", "last", "conf", "says"),
    [
        ("2099-08-01T00:00:00Z", "2099-08-09T00:00:00Z", {}, "future"),
        (LAST, FIRST, {}, "must not be after"),
        ("2025-08-09T00:00:00Z", "2025-08-20T00:00:00Z", {}, "No runs to create"),
        (FIRST, LAST, {"limit_calls": -1}, "limit_calls"),
    ],
    ids=["future", "reversed", "no tick", "bad parameter"],
)
def test_what_cannot_be_is_refused_by_airflow_itself(
    system: System, first: str, last: str, conf: dict[str, Any], says: str
) -> None:
    before = [run["dag_run_id"] for run in runs_of(system)]
    answer = asked(system, first, last, **conf)
    assert 400 <= answer.status_code < 500, answer.text
    assert says in answer.text
    assert [run["dag_run_id"] for run in runs_of(system)] == before
