"""Every SQL statement and every command on files in the runbook runs and does what the text beside it says.

The commands that need a running Airflow run in tests/airflow/test_runbook_commands.py.
"""

import subprocess

import psycopg
import pytest
import yaml

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.steps.run_lifecycle import refuse_if_stopped
from include.calls.wording import problems
from include.common.errors import StopRun
from simulators.bitrix24.seeded import brief, seeded_world
from tests.integration.calls.test_export_s3 import END, START
from tests.kit.runbook_blocks import ROOT, RUNBOOK, commands, filled, statements
from tests.kit.whole_export import export_over

pytestmark = pytest.mark.postgres


def runbook(first_words: str, **values: object) -> bytes:
    """The only statement that begins with these words."""
    (statement,) = [statement for statement in statements() if statement.startswith(first_words)]
    return filled(statement, **values).encode()


def on_files(first_words: str, **values: object) -> str:
    (command,) = [command for command in commands() if command.startswith(first_words)]
    return filled(command, **values)


@pytest.fixture
def export(database, tmp_path):
    with export_over(seeded_world(3, START, END, 6, brief()), database, tmp_path / "var/main/storage") as export:
        yield export


def done_in(folder, command, expected=(0,)):
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in expected, done.stderr
    return done.stdout


def test_every_query_of_the_runbook_runs(export):
    outcome = export.run()
    record = export.records(outcome.run_id)[0]
    values = {"run_id": outcome.run_id, "call_id": record.call_id}
    with psycopg.connect(export.conninfo) as conn:
        for statement in statements():
            if statement.startswith("SELECT"):
                conn.execute(filled(statement, **values).encode())
        rows = conn.execute(runbook("SELECT run_id, status, period_from")).fetchall()
    assert [(row[0], row[1]) for row in rows] == [(outcome.run_id, "completed")]


def test_a_resumed_run_repeats_a_recording_sent_back_by_hand(export):
    outcome = export.run()
    record = export.records(outcome.run_id, RecordStatus.COMPLETED)[0]
    bought = export.recogniser.journal.count("transcriptions")
    sent_back = runbook("UPDATE call_records\n   SET status", run_id=outcome.run_id, call_id=record.call_id)
    with psycopg.connect(export.conninfo) as conn:
        changed = conn.execute(sent_back).rowcount
    resumed = export.run(resume_run_id=str(outcome.run_id), period_from=None, period_to=None)
    assert resumed.verdict.status is RunStatus.COMPLETED
    assert export.recogniser.journal.count("transcriptions") == bought + changed


def test_a_run_stopped_by_hand_ends_at_the_next_recording(export):
    run_id = export.open()
    with psycopg.connect(export.conninfo) as conn:
        assert conn.execute(runbook("UPDATE call_exports", run_id=run_id)).rowcount == 1
    with export.state() as state, pytest.raises(StopRun) as stopped:
        refuse_if_stopped(run_id, state)
    assert "остановлен дежурным" in problems.sentence(stopped.value)


def test_what_went_wrong_is_found_in_the_log(export, tmp_path):
    export.portal.world.delete_file(next(call.file_id for call in export.portal.world.calls.values() if call.file_id))
    export.run()
    found = done_in(tmp_path, on_files("grep"))
    assert {line.split('"event":"')[1].split('"')[0] for line in found.splitlines()} == {"missing_audio"}


def test_every_command_of_the_runbook_has_a_test():
    """Commands on files are tested above, the others in tests/airflow/test_runbook_commands.py."""
    on_disk = [command for command in commands() if command.startswith(("find", "grep"))]
    rest = set(commands()) - set(on_disk)
    assert len(on_disk) == 1
    assert {command.split()[0] for command in rest} == {"make", "docker", ".venv/bin/python"}


def test_every_alert_has_its_row_in_the_runbook():
    rules = yaml.safe_load((ROOT / "ops/monitoring/rules/call_export.yml").read_text(encoding="utf-8"))
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule}
    text = RUNBOOK.read_text(encoding="utf-8")
    assert {alert for alert in alerts if f"\n| `{alert}` |" not in text} == set()
