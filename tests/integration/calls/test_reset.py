"""`make reset`: what is bought again is named first, bought once by the next run, and everything else is left alone."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict

from include.calls.domain.audit_chain import Action
from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.state.audit import AuditLog
from include.calls.state.holds import Holds, Subject
from jobs.reset import main
from tests.kit.small_world import bought, by_sql, downloaded, statuses, world_of
from tests.kit.whole_export import Export, Outcome, export_over

pytestmark = pytest.mark.postgres

DAYS = ("--from", "2025-08-01", "--to", "2025-08-02")
DONE = ("--yes", "--reason", "не та модель")
Said = Callable[..., str]


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    with export_over(world_of(5), database, tmp_path / "storage") as export:
        yield export


@pytest.fixture
def said(database: str, monkeypatch: pytest.MonkeyPatch) -> Said:
    parts = {key: str(value) for key, value in conninfo_to_dict(database).items()}
    found = {"conn_type": "postgres", "host": parts.get("host"), "login": parts.get("user"), "schema": parts["dbname"]}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_DB", json.dumps(found))

    def type_in(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(main, [*DAYS, *arguments])
        assert result.exit_code == status, result.output
        return result.output.replace("\N{NO-BREAK SPACE}", " ")

    return type_in


def again(export: Export, first: Outcome) -> UUID:
    outcome = export.run(dag_run_id="again", idempotency_key="again")
    assert outcome.verdict.status is RunStatus.COMPLETED
    assert outcome.run_id != first.run_id
    return outcome.run_id


def test_a_period_is_named_with_its_money_and_bought_again_by_the_next_run(export: Export, said: Said) -> None:
    """Five recordings of a minute each at 0.0045 USD; the stored audio is used, the portal is not asked for it."""
    first = export.run()
    requests, files = bought(export), downloaded(export)
    before = by_sql(export.conninfo, "SELECT recording_id, purchase_no, transcript_id FROM recordings ORDER BY 1")
    shown = said()
    assert "Заново: 5 записей (из них с текстом 5), 5 мин, следующий запуск заплатит до 0,0225 USD" in shown
    assert "за нынешние тексты заплачено 0,0225 USD" in shown
    assert "Пока ничего не изменено" in shown
    assert (
        by_sql(export.conninfo, "SELECT recording_id, purchase_no, transcript_id FROM recordings ORDER BY 1") == before
    )
    assert statuses(export, first.run_id) == {RecordStatus.COMPLETED: 5}

    assert "Сброшено: 5 записей" in said(*DONE, "--by", "аналитик")
    assert statuses(export, first.run_id) == {RecordStatus.DOWNLOADED: 5}
    assert "Сбрасывать нечего" in said(*DONE)
    events = by_sql(
        export.conninfo, "SELECT detail ->> 'by', detail ->> 'from' FROM call_events WHERE stage = 'by_hand'"
    )
    assert events == [("аналитик", "completed")] * 5
    with export.state() as state:
        entries = [one for one in AuditLog(state.session).entries() if one.action == Action.PERIOD_RESET]
    assert [(one.actor, one.reason) for one in entries] == [("аналитик", "не та модель")]
    assert json.loads(entries[0].detail)["usd"] == "0.0225"

    run_id = again(export, first)
    assert statuses(export, run_id) == {RecordStatus.COMPLETED: 5}
    assert bought(export) == 2 * requests
    assert downloaded(export) == files
    assert by_sql(export.conninfo, "SELECT count(DISTINCT purchase_no) FROM charges WHERE purpose = 'recognition'") == [
        (2,)
    ]
    texts = by_sql(export.conninfo, "SELECT count(*) FROM transcripts")
    assert texts[0][0] >= 5  # the same words again are the same text
    export.run(dag_run_id="third", idempotency_key="third")
    assert bought(export) == 2 * requests


def test_what_must_not_be_bought_again_is_left_alone_and_named(export: Export, said: Said) -> None:
    first = export.run()
    held, ended, without_audio, at_work, free = (one.call_id for one in export.records(first.run_id))
    with export.state() as state:
        Holds(state.session).place(Subject(call_id=held), reason="суд", by="юрист", until=None)
    by_sql(
        export.conninfo, "UPDATE recordings SET text_ended_at = now(), transcript_path = NULL WHERE call_id = %s", ended
    )
    by_sql(export.conninfo, "UPDATE recordings SET raw_path = NULL WHERE call_id = %s", without_audio)
    by_sql(
        export.conninfo,
        "INSERT INTO work_in_progress (recording_id, run_id, stage, process) "
        "SELECT recording_id, %s, 'transcribe', 'x' FROM recordings WHERE call_id = %s",
        first.run_id,
        at_work,
    )
    shown = said(*DONE)
    assert "Сброшено: 1 запись" in shown
    for words in ("на удержании", "текст удалён по сроку хранения", "аудио уже нет", "в работе у запуска"):
        assert f"  1 запись — {words}" in shown
    changed = by_sql(export.conninfo, "SELECT call_id FROM recordings WHERE purchase_no > 1")
    assert changed == [(free,)]


def test_a_run_that_has_not_ended_keeps_its_recordings(export: Export, said: Said) -> None:
    first = export.run()
    by_sql(export.conninfo, "UPDATE call_exports SET status = 'running' WHERE run_id = %s", first.run_id)
    shown = said(*DONE)
    assert "Сбрасывать нечего" in shown
    assert "5 записей — в работе у запуска" in shown
    assert statuses(export, first.run_id) == {RecordStatus.COMPLETED: 5}


def test_failed_and_missing_recordings_are_tried_from_the_beginning(export: Export, said: Said) -> None:
    first = export.run()
    calls = [one.call_id for one in export.records(first.run_id)]
    by_sql(export.conninfo, "UPDATE recordings SET status = 'error', deaths = 4 WHERE call_id = %s", calls[0])
    by_sql(
        export.conninfo,
        "UPDATE recordings SET status = 'missing_audio', raw_path = NULL, transcript_id = NULL, "
        "missing_since = '2025-08-01', look_again_on = '2999-01-01' WHERE call_id = %s",
        calls[1],
    )
    said(*DONE)
    assert by_sql(
        export.conninfo,
        "SELECT status, deaths, look_again_on FROM recordings WHERE call_id = ANY(%s) ORDER BY 1",
        calls[:2],
    ) == [("downloaded", 0, None), ("pending", 0, None)]
    assert statuses(export, again(export, first)) == {RecordStatus.COMPLETED: 5}


def test_one_line_in_any_spelling_or_one_call(export: Export, said: Said) -> None:
    first = export.run()
    call = export.records(first.run_id)[0].call_id
    by_sql(export.conninfo, "UPDATE recordings SET phone_line = '+74950000002' WHERE call_id = %s", call)
    assert "Заново: 1 запись" in said("--line", "8 495 000-00-02")
    assert 'CALL_ID="' in said("--call-id", call)
    assert said("--line", "+79999999999", status=2).startswith("отклонено: сбрасывать нечего")
    assert said("--call-id", "nobody", *DONE, status=2).startswith("отклонено: ")
    assert said("--yes", status=2).startswith("отклонено: REASON обязателен")
    assert by_sql(export.conninfo, "SELECT count(*) FROM recordings WHERE purchase_no > 1") == [(0,)]


def test_a_reset_above_the_budget_says_that_the_run_will_ask(database: str, tmp_path: Path, said: Said) -> None:
    with export_over(world_of(2), database, tmp_path / "storage") as export:
        export.run()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BUDGET_USD", "0.001")
        assert "он спросит согласия в Airflow" in said()


def test_an_erased_call_stays_erased(export: Export, said: Said) -> None:
    first = export.run()
    erased = export.records(first.run_id)[0].recording_id
    by_sql(export.conninfo, "UPDATE recordings SET status = 'erased' WHERE recording_id = %s", erased)
    assert "Сброшено: 4 записи" in said(*DONE)
    assert by_sql(export.conninfo, "SELECT status FROM recordings WHERE recording_id = %s", erased) == [("erased",)]
