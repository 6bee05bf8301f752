"""Runs that share a folder of days: no part, no forecast and no failure takes the place of the whole (ADR 0014)."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from include.calls.domain.qa_sample import QaCheck
from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.steps.publish import publish
from include.calls.steps.qa_review import record_checks
from include.clients.storage.local import LocalStorage
from simulators.bitrix24.world import Audio, Call
from simulators.sound.dialogues import record_briefly
from tests.kit.small_world import FIRST, by_sql, world_of
from tests.kit.whole_export import RUN_AFTER, Export, export_over

pytestmark = [pytest.mark.postgres, pytest.mark.long]

FOLDER = "2025-08-01_2025-08-02"


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    with export_over(world_of(3), database, tmp_path / "storage") as export:
        yield export


def published(export: Export) -> dict[str, bytes]:
    """Registry and report by their names within the folder; a report says when it was made, its pictures do not."""
    keys = export.storage.keys(f"exports/{FOLDER}/")
    wanted = {key for key in keys if "/registry/" in key or "/reports/summary" in key}
    return {key.rsplit("/", 1)[1]: export.storage.get_bytes(key) for key in wanted}


def lines_of(registry: bytes) -> int:
    return registry.decode("utf-8-sig").count("\r\n") - 1


@pytest.mark.parametrize(
    ("asked", "part", "calls"),
    [
        ({"limit_calls": 1}, "_trial", 1),
        ({"period_from": "2025-08-01T09:02:00"}, "_090200-235959", 2),
        ({"period_to": "2025-08-02T12:00:00+03:00"}, "_000000-090000", 3),
        ({"period_from": "2025-08-01T09:02:00", "limit_calls": 1}, "_090200-235959_trial", 1),
    ],
    ids=["a trial", "from within a day", "to within a day", "a trial of a part"],
)
def test_a_part_has_files_of_its_own(export: Export, asked: dict[str, object], part: str, calls: int) -> None:
    export.run()
    whole = published(export)
    again = export.run(**asked)
    assert again.verdict.status is RunStatus.COMPLETED
    both = published(export)
    assert {name: both[name] for name in whole} == whole
    new = both.keys() - whole.keys()
    assert {f"calls_{FOLDER}{part}.csv", f"summary_{FOLDER}{part}.md", f"summary_{FOLDER}{part}.pdf"} <= new
    assert all(name.startswith((f"calls_{FOLDER}{part}", f"summary_{FOLDER}{part}")) for name in new)
    assert lines_of(both[f"calls_{FOLDER}{part}.csv"]) == calls
    assert f"summary_{FOLDER}{part}_" in both[f"summary_{FOLDER}{part}.md"].decode(), "its own pictures"


def test_a_forecast_leaves_registry_and_report_as_they_are(export: Export) -> None:
    export.run()
    before = published(export)
    assert export.run(dry_run=True).verdict.status is RunStatus.COMPLETED
    assert published(export) == before


def test_a_forecast_alone_writes_its_estimate_and_no_registry(export: Export) -> None:
    export.run(dry_run=True)
    assert published(export) == {}
    assert export.storage.exists(f"exports/{FOLDER}/reports/estimate_{FOLDER}.md")


def test_a_run_that_never_saw_the_calls_leaves_the_complete_registry_alone(export: Export) -> None:
    """`publish` comes after whatever failed: a refused token, say, on the way to the list."""
    export.run()
    before = published(export)
    refused = export.open()
    with export.state() as state:
        publish(refused, state, export.storage, export.policy, upstream_failed="preflight")
    assert published(export) == before


def test_where_there_is_none_yet_it_says_what_failed(export: Export) -> None:
    refused = export.open()
    with export.state() as state:
        publish(refused, state, export.storage, export.policy, upstream_failed="preflight")
    assert "preflight" in published(export)[f"summary_{FOLDER}.md"].decode()
    assert lines_of(published(export)[f"calls_{FOLDER}.csv"]) == 0
    assert export.run().verdict.status is RunStatus.COMPLETED
    assert lines_of(published(export)[f"calls_{FOLDER}.csv"]) == 3


def one_more_call(export: Export, number: int) -> None:
    export.portal.world.add(
        Call(number, FIRST, f"call-{number}", file_id=9000 + number), Audio(partial(record_briefly, number))
    )


def runs_of(registry: bytes) -> set[str]:
    return {line.split(";")[0] for line in registry.decode("utf-8-sig").split("\r\n")[1:] if line}


def publish_again(export: Export, run_id: UUID) -> None:
    with export.state() as state:
        publish(run_id, state, export.storage, export.policy)


def test_an_older_run_published_again_leaves_the_later_registry(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its findings are in the later run's report: both report the same recordings. The later run's row is free."""
    older = export.run().run_id
    one_more_call(export, 4)
    later = export.run().run_id
    with export.state() as state:
        row = export.records(older, RecordStatus.COMPLETED)[0]
        check = QaCheck(row.call_id, row.record_id, "issue", "конец не слышно", where="row 1")
        record_checks(older, [check], state, by="аналитик 1")
    put_file, free = LocalStorage.put_file, "SELECT FROM call_exports WHERE run_id = %s FOR NO KEY UPDATE NOWAIT"

    def put(storage: LocalStorage, key: str, path: Path, content_type: str) -> None:
        by_sql(export.conninfo, free, later)
        put_file(storage, key, path, content_type)

    with monkeypatch.context() as patch:
        patch.setattr(LocalStorage, "put_file", put)
        publish_again(export, older)
    registry = published(export)[f"calls_{FOLDER}.csv"]
    assert lines_of(registry) == 4
    assert runs_of(registry) == {str(later)}
    report = published(export)[f"summary_{FOLDER}.md"].decode()
    assert str(later) in report
    assert "конец не слышно" in report
    assert by_sql(export.conninfo, "SELECT run_id, complete, rows FROM publications") == [(later, True, 4)]


def test_the_run_that_reaches_further_keeps_the_folder(export: Export) -> None:
    """Two nights until now: the later one ends later, whichever is published last."""
    first = export.run(period_to="", run_after=RUN_AFTER - timedelta(hours=12)).run_id
    second = export.run(period_to="", run_after=RUN_AFTER - timedelta(hours=6)).run_id
    folder_file = f"calls_{FOLDER}.csv"
    publish_again(export, first)
    assert runs_of(published(export)[folder_file]) == {str(second)}


def test_a_resumed_older_run_shows_what_it_did_in_the_later_registry(export: Export) -> None:
    older = export.run().run_id
    later = export.run().run_id
    by_sql(
        export.conninfo, "UPDATE call_records SET status = 'pending' WHERE call_id = 'call-1' AND run_id = %s", older
    )
    outcome = export.run(resume_run_id=str(older), period_from=None, period_to=None)
    assert outcome.verdict.status is RunStatus.COMPLETED
    registry = published(export)[f"calls_{FOLDER}.csv"]
    assert runs_of(registry) == {str(later)}
    assert registry.decode().count(";completed;") == 3
    sums = dict(by_sql(export.conninfo, "SELECT run_id, completed_calls FROM call_exports"))
    assert sums == {older: 3, later: 3}


def test_two_runs_of_one_second_have_a_log_each(export: Export) -> None:
    first, second = export.run(), export.run()
    by_sql(export.conninfo, "UPDATE call_exports SET started_at = '2025-08-03T02:00:00Z'")
    before = set(export.storage.keys(f"exports/{FOLDER}/logs/"))
    for outcome in (first, second):
        publish_again(export, outcome.run_id)
    logs = sorted(set(export.storage.keys(f"exports/{FOLDER}/logs/")) - before)
    assert [key.rsplit("_", 1)[1] for key in logs] == sorted(f"{run.run_id}.jsonl" for run in (first, second))
    for key in logs:
        run_id = key.rsplit("_", 1)[1].removesuffix(".jsonl")
        assert f'"run_id":"{run_id}"' in export.storage.get_bytes(key).decode()


def test_a_night_with_nothing_new_writes_few_files(export: Export, tmp_path: Path) -> None:
    """Registry, report, pictures, estimate and log: nothing is copied."""
    export.run()
    before = {path for path in (tmp_path / "storage").rglob("*") if path.is_file()}
    events = by_sql(export.conninfo, "SELECT count(*) FROM call_events WHERE call_id IS NOT NULL")
    outcome = export.run(period_from="2025-07-30", trigger="scheduled", deliver_texts=None)
    assert outcome.verdict.status is RunStatus.COMPLETED
    written = {path for path in (tmp_path / "storage").rglob("*") if path.is_file()} - before
    assert len(written) <= 12, sorted(written)
    assert {path.parent.name for path in written} == {"registry", "reports", "logs"}
    assert by_sql(export.conninfo, "SELECT count(*) FROM call_events WHERE call_id IS NOT NULL") == events
    assert by_sql(export.conninfo, "SELECT count(*) FROM run_work WHERE run_id = %s", outcome.run_id) == [(0,)]
