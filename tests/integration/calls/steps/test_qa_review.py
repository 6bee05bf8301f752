"""Analysts' QA: a sample of the run, their verdicts in the table, the history and the report."""

import json
from datetime import UTC, datetime

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from include.calls.domain.states import RecordStatus
from include.calls.domain.storage_keys import report_key
from include.calls.steps.publish import publish
from include.common.periods import Period
from jobs.qa import main
from tests.kit.small_world import world_of
from tests.kit.whole_export import export_over

pytestmark = pytest.mark.postgres

PERIOD = Period(datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 2, 23, 59, 59, tzinfo=UTC))


@pytest.fixture
def export(database, tmp_path, monkeypatch):
    where = {name: str(value) for name, value in conninfo_to_dict(database).items() if value}
    conn = {"conn_type": "postgres", "schema": where.pop("dbname"), "login": where.pop("user", None), "extra": where}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_DB", json.dumps(conn))
    monkeypatch.delenv("AIRFLOW_CONN_AIRFLOW_API", raising=False)
    with export_over(world_of(4), database, tmp_path / "storage") as export:
        yield export


def qa(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


def rows(export, query, *values):
    with psycopg.connect(export.conninfo, row_factory=dict_row) as conn:
        return conn.execute(query.encode(), values).fetchall()


def checks(export):
    query = "SELECT call_id, result, comment, checked_by FROM call_qa_checks JOIN recordings USING (recording_id)"
    found = rows(export, f"{query} ORDER BY 1")
    return [tuple(row.values()) for row in found]


def report(export, run_id):
    with export.state() as state:
        publish(run_id, state, export.storage, export.policy)
    return export.storage.get_bytes(report_key(PERIOD, ".md")).decode()


def test_a_table_filled_in_is_in_the_database_the_history_and_the_report(export, tmp_path):
    run_id, file = export.run().run_id, tmp_path / "sample.csv"
    assert "Проверено 0 из 4." in report(export, run_id)
    assert qa("--run-id", run_id, "--out", file).exit_code == 0
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    lines[1] = lines[1].removesuffix(";;") + ";ok;"
    lines[3] = lines[3].removesuffix(";;") + ";issue;<b>роли</b> | =перепутаны"
    file.write_text("\n".join(lines), encoding="utf-8-sig")
    done = qa("--file", file, "--by", "аналитик 1")
    assert done.exit_code == 0, done.output
    assert "записано новых оценок: 2; проверено 2 из 4, с замечаниями 1" in done.output
    found = [("call-1", "ok", "", "аналитик 1"), ("call-3", "issue", "<b>роли</b> | =перепутаны", "аналитик 1")]
    assert checks(export) == found
    events = rows(export, "SELECT call_id, detail FROM call_events WHERE event = 'qa_checked' ORDER BY id")
    assert [(event["call_id"], event["detail"]["result"], event["detail"]["by"]) for event in events] == [
        ("call-1", "ok", "аналитик 1"),
        ("call-3", "issue", "аналитик 1"),
    ]
    text = report(export, run_id)
    assert "Проверено 2 из 4: в порядке 1, с замечаниями 1 (50,0 %). Проверяли: аналитик 1." in text
    assert "замечание: \\<b\\>роли\\</b\\> \\| =перепутаны |" in text


def test_the_table_read_again_changes_nothing_and_the_last_word_counts(export, tmp_path):
    run_id, file = export.run().run_id, tmp_path / "sample.csv"
    assert qa("--run-id", run_id, "--call-id", "call-2", "--result", "ok", "--by", "аналитик 1").exit_code == 0
    qa("--run-id", run_id, "--out", file)
    assert "записано новых оценок: 0" in qa("--file", file, "--by", "аналитик 2").output
    assert checks(export) == [("call-2", "ok", "", "аналитик 1")]
    second = ("--result", "issue", "--comment", "конец не слышно", "--by", "аналитик 2")
    assert qa("--run-id", run_id, "--call-id", "call-2", *second).exit_code == 0
    assert checks(export) == [("call-2", "issue", "конец не слышно", "аналитик 2")]
    assert len(rows(export, "SELECT 1 FROM call_events WHERE event = 'qa_checked'")) == 2, "the first word is kept"


REFUSALS = [
    (("--run-id", "7"), "'7' — не номер запуска"),
    (("--run-id", "11111111-2222-4333-8444-555555555555"), "запуска 11111111-2222-4333-8444-555555555555 нет"),
    (("--run-id", "{run}", "--call-id", "call-1"), "CALL_ID и RESULT задаются вместе"),
    (("--run-id", "{run}", "--call-id", "call-1", "--result", "good"), "не ok и не issue"),
    (("--run-id", "{run}", "--call-id", "call-9", "--result", "ok"), "нет текста звонка call-9"),
    (("--run-id", "{run}", "--call-id", "call-1", "--result", "issue"), "call-1: к замечанию (issue) нужен comment"),
]


def test_what_cannot_be_done_is_one_sentence_and_nothing_recorded(export):
    run_id = export.run().run_id
    for arguments, says in REFUSALS:
        refused = qa(*(argument.format(run=run_id) for argument in arguments))
        assert refused.exit_code == 2
        assert says in refused.output
        assert refused.output.count("\n") == 1
    assert checks(export) == []


def test_one_row_that_is_wrong_keeps_the_whole_table_out(export, tmp_path):
    run_id, file = export.run().run_id, tmp_path / "sample.csv"
    qa("--run-id", run_id, "--out", file)
    text = file.read_text(encoding="utf-8-sig").replace(";;\n", ";ok;\n").replace("call-4;9004", "call-9;9009")
    file.write_text(text, encoding="utf-8-sig")
    refused = qa("--file", file)
    assert refused.exit_code == 2
    assert "#5: у запуска" in refused.output
    assert checks(export) == []


def test_a_verdict_is_about_the_recording_and_in_the_report_of_a_later_run_too(export):
    """Recorded in an older run's sample; the report in the folder belongs to the later run of the same days."""
    older, later = export.run().run_id, export.run().run_id
    qa(
        "--run-id",
        older,
        "--call-id",
        "call-2",
        "--result",
        "issue",
        "--comment",
        "конец не слышно",
        "--by",
        "аналитик 1",
    )
    text = report(export, older)
    assert str(later) in text
    assert str(older) not in text
    assert "Проверено 1 из 4" in text
    assert "проверено 1 из 4" in qa("--run-id", later).output


def test_a_verdict_of_another_folders_sample_does_not_make_the_list_longer(export, monkeypatch):
    """A night's report lists its own sample, not everything that was listened to in sixty days."""
    monkeypatch.setattr("jobs.qa.load_policy", lambda _: export.policy)
    thresholds = export.policy.thresholds.model_copy(update={"qa_sample_size": 1})
    export.policy = export.policy.model_copy(update={"thresholds": thresholds})
    run_id, other = export.run().run_id, export.run(period_from="2025-07-30").run_id
    for number in range(1, 5):
        qa("--run-id", other, "--call-id", f"call-{number}", "--result", "ok")
    assert "проверено 4 из 4" in qa("--run-id", other).output
    assert "проверено 1 из 1" in qa("--run-id", run_id).output


def test_a_verdict_on_a_text_that_was_sent_back_waits_for_the_new_one(export):
    run_id = export.run().run_id
    qa("--run-id", run_id, "--call-id", "call-1", "--result", "ok")
    with psycopg.connect(export.conninfo) as conn:
        conn.execute("UPDATE call_records SET status = 'pending' WHERE call_id = 'call-1'")
    assert len(export.records(run_id, RecordStatus.COMPLETED)) == 3
    assert "проверено 0 из 3" in qa("--run-id", run_id).output
