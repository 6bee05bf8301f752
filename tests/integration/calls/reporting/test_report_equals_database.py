"""What a person reads after a run, in report and registry, is what the database holds, by sums made another way."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import psycopg
import pytest
from openpyxl import load_workbook
from psycopg.rows import dict_row

from include.calls.domain.storage_keys import registry_key, report_key
from include.calls.state.migrate import migrate
from include.common.periods import Period
from include.common.spreadsheet_cells import without_mark
from simulators.bitrix24.seeded import brief, seeded_world, spoken
from simulators.bitrix24.world import Audio, Call
from simulators.kit.faults import FaultKind
from tests.integration.calls.reporting.test_registry_readers import frictionless_report, opened_in_libreoffice
from tests.kit.whole_export import export_over

pytestmark = pytest.mark.postgres

START, END = datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 3, tzinfo=UTC)
PERIOD = Period(START, END - timedelta(seconds=1))
NAMES = {
    "completed": "Есть текст", "error": "Ошибка", "missing_audio": "Запись пропала на портале",
    "no_recording": "Записи нет",
}  # fmt: skip
SUMS = """
SELECT count(*) AS calls, count(*) FILTER (WHERE status = 'completed') AS texts,
       sum(duration_sec) AS portal_sec,
       round(sum(audio_sec) FILTER (WHERE status = 'completed') / 60, 2) AS minutes,
       sum(CASE status WHEN 'completed' THEN ceil(audio_sec / 60) ELSE 0 END)::integer AS billed,
       sum(cost) FILTER (WHERE status = 'completed') AS cost,
       coalesce(sum(cost) FILTER (WHERE status = 'completed' AND reused_from_run_id IS NULL), 0) AS spent,
       count(*) FILTER (WHERE status = 'completed' AND reused_from_run_id IS NOT NULL) AS reused,
       count(*) FILTER (WHERE needs_review) AS flagged
  FROM call_records WHERE run_id = %s
"""


@pytest.fixture(scope="module")
def published(pg_server, tmp_path_factory):
    """The second of two overlapping runs, with a dead link, a file that is no audio, an unreadable row and two
    statistics rows of one recording."""
    folder, database = tmp_path_factory.mktemp("storage"), pg_server.get_uri(database="published")
    with psycopg.connect(pg_server.get_uri(database="postgres"), autocommit=True) as conn:
        conn.execute("CREATE DATABASE published")
    migrate(database)
    world = seeded_world(5, START, END, 26, brief())
    recorded = [call for call in world.calls.values() if call.file_id and call.started_at.day == 2]
    long = spoken()(1, 75, True)
    world.add(Call(7001, END - timedelta(hours=2), duration=75, file_id=99001, call_id="long.1"), long)
    world.add(Call(7002, END - timedelta(hours=2), duration=75, file_id=99001, call_id="long.1"))
    world.add(Call(7003, END - timedelta(hours=1), duration=5, file_id=99003), Audio(b"no sound at all" * 100))
    world.add(Call(7004, END - timedelta(minutes=30), fields={"RECORD_FILE_ID": "file"}))
    world.add(Call(7005, END - timedelta(minutes=20), fields={"CALL_TYPE": "9"}))
    with export_over(world, database, folder) as export:
        export.run(period_to="2025-08-01")
        world.delete_file(recorded[0].file_id)
        outcome = export.run()
        with psycopg.connect(database, row_factory=dict_row) as conn:
            sums = conn.execute(SUMS, [outcome.run_id]).fetchone()
            statuses = conn.execute(
                "SELECT status, count(*) FROM call_records WHERE run_id = %s GROUP BY 1", [outcome.run_id]
            ).fetchall()
            took = conn.execute(
                """SELECT stage, event, count(*) AS events, count(duration_ms) AS timed,
                          sum(duration_ms) / 1000.0 AS sec
                     FROM call_events WHERE run_id = %s AND record_id IS NOT NULL GROUP BY 1, 2""",
                [outcome.run_id],
            ).fetchall()
        yield SimpleNamespace(
            outcome=outcome,
            took={(row["stage"], row["event"]): row for row in took},
            world=world,
            sums=SimpleNamespace(**sums),
            statuses={row["status"]: row["count"] for row in statuses},
            report=export.storage.get_bytes(report_key(PERIOD, ".md")).decode(),
            registry=folder / registry_key(PERIOD),
            rows=list(csv.DictReader(io.StringIO(export.registry()), delimiter=";")),
            records=export.records(outcome.run_id),
        )


def figure(report: str, name: str, column: int = 0) -> Decimal:
    """The number in a row of one of the report's tables."""
    (cells,) = re.findall(rf"^\| {re.escape(name)} \|(.+)\|$", report, flags=re.MULTILINE)
    return Decimal(cells.split("|")[column].strip().replace("\N{NO-BREAK SPACE}", "").replace(",", "."))


def test_the_report_says_what_the_database_holds(published):
    report, sums = published.report, published.sums
    assert set(published.statuses) == set(NAMES), "each way a call can end is on trial"
    for status, name in NAMES.items():
        assert figure(report, name) == published.statuses[status]
    assert figure(report, "Звонков в реестре") == sums.calls
    assert figure(report, "Минут распознано") == sums.minutes
    assert figure(report, "Минут к оплате (вверх на каждый звонок)") == sums.billed
    assert figure(report, "Тексты прежних запусков") == sums.reused > 0
    assert figure(report, "С пометкой «проверить»") == sums.flagged
    assert figure(report, "Все тексты периода, кто бы ни платил") == round(sums.cost, 4)
    assert figure(report, "Потрачено этим запуском") == round(sums.spent, 4)
    assert figure(report, "Потрачено этим запуском", column=1) == round(sums.spent * 100, 2)
    assert sums.cost > sums.spent > 0


def test_the_report_adds_up_the_time_of_each_stage(published):
    ended = [("download", "downloaded"), ("download", "missing_audio"), ("transcribe", "completed")]
    for key in ended:
        assert published.took[key]["timed"] == published.took[key]["events"] > 0
    begun = [("download", "downloading"), ("transcribe", "transcribing")]
    assert [published.took[key]["timed"] for key in begun] == [0, 0]
    busy = sum(row["sec"] or 0 for (stage, _), row in published.took.items() if stage == "transcribe")
    (cells,) = re.findall(r"^\| распознавание \|(.+)\|$", published.report, flags=re.MULTILINE)
    assert cells.split("|")[2].strip() == f"{round(busy)} с"


def test_the_registrys_sums_are_the_databases(published):
    rows, sums = published.rows, published.sums
    completed = [row for row in rows if row["status"] == "completed"]
    assert len(rows) == sums.calls
    assert {status: sum(row["status"] == status for row in rows) for status in NAMES} == published.statuses
    assert sum(Decimal(row["transcription_cost"]) for row in completed) == sums.cost
    assert sum(int(row["duration_sec"]) for row in rows) == sums.portal_sec
    assert all(row["transcript_path"] for row in completed)


def test_every_statistics_row_is_in_registry_or_proof(published):
    """All but the unreadable row 7004 and the row 7002, which names the recording of 7001."""
    known = {record.statistics_id: record for record in published.records}
    assert set(published.world.calls) - set(known) == {7002, 7004}
    keys = {(row["call_id"], row["record_id"]) for row in published.rows}
    assert keys == {(record.call_id, record.record_id) for record in known.values()}
    total, listed = len(published.world.calls), len(known)
    unread = "непонятных строк 1, понятых не полностью 1"
    proof = f"Сходится: портал насчитал {total}, в базе {listed}, {unread}, строк о той же записи 1."
    assert proof in published.report
    assert f"Сходится: в реестре {listed} = {listed} из списка этого запуска." in published.report


def test_the_report_has_the_verdict_of_the_run(published):
    verdict = published.outcome.verdict
    assert f"Итог запуска: {verdict.status}, {verdict.sentence}." in published.report


def test_the_registry_of_a_real_run_keeps_to_its_schema(published):
    found = frictionless_report(published.registry)
    assert found.flatten(["rowNumber", "fieldName", "type", "note"]) == []
    assert found.tasks[0].stats["rows"] == published.sums.calls


@pytest.mark.libreoffice
def test_a_real_registry_opens_in_libreoffice(published, tmp_path):
    assert opened_in_libreoffice(published.registry, tmp_path) == published.rows


def test_the_xlsx_of_a_real_run_equals_its_csv_key_by_key(published):
    head, *rows = load_workbook(published.registry.with_suffix(".xlsx")).active.iter_rows(values_only=True)
    sheet = [dict(zip(head, values, strict=True)) for values in rows]
    assert [row["call_id"] for row in sheet] == [line["call_id"] for line in published.rows]
    for row, line in zip(sheet, published.rows, strict=True):
        same = set(line) - {"datetime_start", "transcription_cost", "duration_sec", "retry_count", "needs_review"}
        assert {name: row[name] or "" for name in same} == {name: without_mark(line[name]) for name in same}
        assert Decimal(str(row["transcription_cost"] or 0)) == Decimal(line["transcription_cost"] or 0)
        assert (row["duration_sec"], row["retry_count"]) == (int(line["duration_sec"]), int(line["retry_count"]))
        assert str(row["needs_review"]).lower() == line["needs_review"]
        start = datetime.fromisoformat(line["datetime_start"])
        assert row["datetime_start (UTC+03:00)"].replace(tzinfo=start.tzinfo) == start


def test_every_path_leads_to_a_text_of_its_call(published):
    period = published.registry.parent.parent
    for line in published.rows:
        if line["transcript_path"]:
            text = (period / line["transcript_path"]).read_text(encoding="utf-8")
            assert text.startswith(f"CALL_ID: {line['call_id']}\n")


def test_a_stopped_run_has_a_report_that_says_so(database, tmp_path):
    """A revoked token stops the run."""
    world = seeded_world(5, START, END, 10, brief())
    with export_over(world, database, tmp_path / "storage") as export:
        export.portal.faults.add("download", FaultKind.STATUS, times=-1, status=401, body={"error": "expired_token"})
        export.portal.faults.add("disk.file.get", FaultKind.ERROR, times=-1, body={"error": "expired_token"})
        outcome = export.run()
        report = export.storage.get_bytes(report_key(PERIOD, ".md")).decode()
    assert "**Выгрузка остановлена.**" in report
    assert f"Итог запуска: error, {outcome.verdict.sentence}." in report.replace("\\", "")
    assert str(outcome.run_id) in report
