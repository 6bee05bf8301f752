"""Every SQL statement and every command on files in the runbook runs and does what the text beside it says.

The commands that need a running Airflow run in tests/airflow/test_runbook_commands.py.
"""

import csv
import io
import subprocess

import psycopg
import pytest
import yaml

from include.calls.domain.qa_sample import qa_check
from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.steps.qa_review import record_checks
from include.calls.steps.run_lifecycle import refuse_if_stopped
from include.calls.wording import problems
from include.common.errors import StopRun
from simulators.bitrix24.seeded import brief, seeded_world
from tests.integration.calls.test_export_s3 import END, START
from tests.kit.runbook_blocks import ROOT, RUNBOOK, commands, filled, statements
from tests.kit.whole_export import export_over

pytestmark = pytest.mark.postgres

LATE_DIGITS = "последние 10 цифр"


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
    values = {"run_id": outcome.run_id, "call_id": record.call_id, LATE_DIGITS: record.from_number[-10:]}
    with psycopg.connect(export.conninfo) as conn:
        for statement in statements():
            if statement.startswith("SELECT"):
                conn.execute(filled(statement, **values).encode())
        rows = conn.execute(runbook("SELECT run_id, status, period_from")).fetchall()
        found = conn.execute(runbook("SELECT run_id, call_id, record_id, raw_path", **values)).fetchall()
    assert [(row[0], row[1]) for row in rows] == [(outcome.run_id, "completed")]
    assert record.call_id in {row[1] for row in found}


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


def test_what_is_known_of_a_call_can_be_deleted(export, tmp_path):
    """A later run of the period brings nothing back."""
    outcome = export.run(deliver_texts=True, deliver_audio=True)
    record = export.records(outcome.run_id, RecordStatus.COMPLETED)[0]
    storage = tmp_path / "var/main/storage"
    text = storage / record.transcript_path
    delivered = storage.glob(f"exports/*/*/**/call_{record.call_id}.*")
    assert {path.suffix for path in delivered} > {".txt"}, "a text and its audio"
    second, longer = text.with_stem(f"{text.stem}_77"), text.with_stem(f"{text.stem}7")
    for path in (second, longer):
        path.write_text("алло")
    with export.state() as state:
        check = qa_check(record.call_id, record.record_id, "issue", "Иван Петров, улица Ленина", where="a test")
        record_checks(outcome.run_id, [check], state, by="аналитик")
        words = state.transcripts.get(record.transcript_id)
        for checksum in (record.checksum, words.sha256, "of another call"):
            response = {"text": "алло"}
            state.responses.keep(outcome.run_id, record.recording_id, checksum, "piece", "model", response, charge=None)
    done_in(tmp_path, on_files("find var/main/storage \\(", call_id=record.call_id))
    with psycopg.connect(export.conninfo) as conn:
        for beginning in ("DELETE FROM recog", "DELETE FROM call_qa", "UPDATE transcripts", "UPDATE recordings"):
            conn.execute(runbook(beginning, call_id=record.call_id))
    bought = export.recogniser.journal.count("transcriptions")
    export.run(deliver_texts=True, deliver_audio=True)
    assert export.recogniser.journal.count("transcriptions") == bought
    export.close(outcome)
    assert not list(storage.rglob(f"call_{record.call_id}[._]*"))
    assert longer.exists(), "another call whose id has the same beginning"
    with psycopg.connect(export.conninfo) as conn:
        assert conn.execute("SELECT checksum FROM recognition_responses").fetchall() == [("of another call",)]
        of_recording = "SELECT body, preview FROM transcripts WHERE recording_id = %s"
        assert conn.execute(of_recording, [record.recording_id]).fetchall() == [("", "")]
        tables = ("recordings", "call_records", "call_events", "call_qa_checks", "call_export_dlq")
        known = [conn.execute(f"SELECT t::text FROM {table} t".encode()).fetchall() for table in tables]
    assert "Ленина" not in str(known)
    assert record.from_number not in str([row for row in [*known[0], *known[1]] if record.call_id in row[0]])
    rows = csv.DictReader(io.StringIO(export.registry()), delimiter=";")
    (row,) = [row for row in rows if row["record_id"] == record.record_id]
    assert (row["from"], row["to"], row["text_preview"], row["recording_url"]) == ("", "", "", "")


def test_what_went_wrong_is_found_in_the_log(export, tmp_path):
    export.portal.world.delete_file(next(call.file_id for call in export.portal.world.calls.values() if call.file_id))
    export.run()
    found = done_in(tmp_path, on_files("grep"))
    assert {line.split('"event":"')[1].split('"')[0] for line in found.splitlines()} == {"missing_audio"}


def test_every_command_of_the_runbook_has_a_test():
    """Commands on files are tested above, the others in tests/airflow/test_runbook_commands.py."""
    on_disk = [command for command in commands() if command.startswith(("find", "grep"))]
    rest = set(commands()) - set(on_disk)
    assert len(on_disk) == 2
    assert {command.split()[0] for command in rest} == {"make", "docker", ".venv/bin/python"}


def test_every_alert_has_its_row_in_the_runbook():
    rules = yaml.safe_load((ROOT / "ops/monitoring/rules/call_export.yml").read_text(encoding="utf-8"))
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule}
    text = RUNBOOK.read_text(encoding="utf-8")
    assert {alert for alert in alerts if f"\n| `{alert}` |" not in text} == set()
