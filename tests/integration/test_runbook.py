"""Every SQL statement of the runbook runs, and those that change something do what the text beside them says."""

import re
from pathlib import Path

import psycopg
import pytest

from include.domain.errors import StopRun
from include.domain.states import RecordStatus, RunStatus
from include.steps.stop import refuse_if_stopped
from simulators.portal.seeded import brief, seeded_world
from tests.export import export_over
from tests.integration.test_export_s3 import END, START

pytestmark = pytest.mark.postgres

RUNBOOK = Path(__file__).parents[2] / "docs/runbooks/call_export.md"
BLOCKS = re.findall(r"```sql\n(.+?)```", RUNBOOK.read_text(encoding="utf-8"), flags=re.DOTALL)
STATEMENTS = [statement.strip() for block in BLOCKS for statement in block.split(";\n") if statement.strip()]


def runbook(first_words: str, **values: object) -> bytes:
    """The runbook's statement that begins so, with a person's values in the places of `<run_id>` and the like."""
    (statement,) = [statement for statement in STATEMENTS if statement.startswith(first_words)]
    for name, value in values.items():
        statement = statement.replace(f"<{name}>", str(value))
    assert "<run_id>" not in statement
    return statement.encode()


@pytest.fixture
def export(database, tmp_path):
    with export_over(seeded_world(3, START, END, 6, brief()), database, tmp_path / "storage") as export:
        yield export


def test_every_query_of_the_runbook_runs(export):
    outcome = export.run()
    call = export.records(outcome.run_id)[0].call_id
    with psycopg.connect(export.conninfo) as conn:
        for statement in STATEMENTS:
            if statement.startswith("SELECT"):
                told = statement.replace("<run_id>", str(outcome.run_id)).replace("<call_id>", call)
                conn.execute(told.encode())
        rows = conn.execute(runbook("SELECT run_id, status, period_from")).fetchall()
    assert [(row[0], row[1]) for row in rows] == [(outcome.run_id, "completed")]


def test_a_recording_sent_back_by_hand_is_done_again_by_the_resumed_run(export):
    outcome = export.run()
    record = export.records(outcome.run_id, RecordStatus.COMPLETED)[0]
    bought = export.recogniser.journal.count("transcriptions")
    with psycopg.connect(export.conninfo) as conn:
        changed = conn.execute(runbook("UPDATE call_records", run_id=outcome.run_id, call_id=record.call_id)).rowcount
    resumed = export.run(resume_run_id=str(outcome.run_id), period_from=None, period_to=None)
    assert resumed.verdict.status is RunStatus.COMPLETED
    assert export.recogniser.journal.count("transcriptions") == bought + changed


def test_a_run_stopped_by_hand_ends_at_the_next_recording(export):
    run_id = export.open()
    with psycopg.connect(export.conninfo) as conn:
        assert conn.execute(runbook("UPDATE call_exports", run_id=run_id)).rowcount == 1
    with export.state() as state, pytest.raises(StopRun, match="остановлен дежурным"):
        refuse_if_stopped(run_id, state)
