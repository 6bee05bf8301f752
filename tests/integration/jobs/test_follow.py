"""The progress that a person watches comes from the run's recordings; the exit status is the run's end."""

from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from rich.console import Console

from jobs.follow import follow
from tests.kit.small_world import world_of
from tests.kit.whole_export import Export, export_over

pytestmark = pytest.mark.postgres


class FakeAirflow:
    """A DAG run that is seen running, then in its last state; `away` polls get no response first."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)

    def state(self, _dag_run_id: str) -> str:
        return self.states.pop(0)

    def note(self, dag_run_id: str) -> str:
        return f"note of {dag_run_id}"

    def question_url(self, dag_run_id: str) -> str:
        return f"https://airflow.example/{dag_run_id}"


def watched(export: Export, dag_run_id: str, **named: Any) -> tuple[int, str]:
    """The exit status and what was printed."""
    console = Console(file=StringIO(), width=200)
    status = follow(
        FakeAirflow("running", "success"),  # type: ignore[arg-type]
        dag_run_id,
        conninfo_to_dict(export.conninfo),
        **{"resumed": None, **named},
        sleep=lambda _seconds: None,
        console=console,
    )
    return status, console.file.getvalue()  # type: ignore[attr-defined]


def test_a_completed_run_ends_with_0_and_its_figures(database: str, tmp_path: Path) -> None:
    with export_over(world_of(2), database, tmp_path / "storage") as export:
        outcome = export.run(dag_run_id="cli__1", idempotency_key="august")
        status, printed = watched(export, "cli__1")
        assert status == 0
        assert "2/2" in printed
        assert "note of cli__1" in printed
        assert str(outcome.run_id) in printed
        for named in ({"resumed": str(outcome.run_id)}, {"key": "august"}):
            assert watched(export, "cli__2", **named)[0] == 0


def test_a_run_in_error_ends_with_1(database: str, tmp_path: Path) -> None:
    with export_over(world_of(2), database, tmp_path / "storage") as export:
        export.run(dag_run_id="cli__1")
        with psycopg.connect(database) as connection:
            connection.execute("UPDATE call_exports SET status = 'error'")
        assert watched(export, "cli__1")[0] == 1


def test_a_run_that_was_refused_ends_with_1(database: str, tmp_path: Path) -> None:
    with export_over(world_of(1), database, tmp_path / "storage") as export:
        assert watched(export, "cli__1")[0] == 1
