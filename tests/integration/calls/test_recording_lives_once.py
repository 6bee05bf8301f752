"""One call has one row and one file of each kind, however many runs report it; a quiet night adds next to nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.calls.domain.states import RecordStatus
from tests.kit.export_under_faults import exporting
from tests.kit.small_world import bought, by_sql, downloaded, statuses, world_of
from tests.kit.whole_export import Export, night

pytestmark = pytest.mark.postgres

CALL = "call-1"
CALLS = 5
NIGHTS = 6
# A night's own rows: the run, its history and what it has published. Everything else is about recordings.
OF_NIGHTS = {"audit_log", "call_exports", "call_events", "publications"}


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    with exporting(world_of(CALLS), database, tmp_path) as export:
        yield export


def stored(export: Export) -> set[str]:
    return set(export.storage.keys(""))


def rows_of_tables(database: str) -> dict[str, int]:
    """Of every table, the partitions of the history taken together."""
    tables = by_sql(
        database,
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
        " AND relnamespace = 'public'::regnamespace",
    )
    return {name: by_sql(database, f"SELECT count(*) FROM {name}")[0][0] for (name,) in tables}


def test_a_call_that_four_runs_report_has_one_of_each(export: Export) -> None:
    """The same period again, a resumed run, and another period with the call in it."""
    first = export.run(run_after=night(0))
    export.run(run_after=night(1))
    export.run(resume_run_id=str(first.run_id), run_after=night(1))
    export.run(period_from="2025-08-01", period_to="2025-08-01", run_after=night(2))

    named = sorted(key for key in stored(export) if f"{CALL}." in key)
    assert [key.partition("/")[0] for key in named] == ["raw", "recognition", "transcripts"]
    assert all(key.split("/")[1:4] == ["2025", "08", "01"] for key in named)

    def counted(table: str, condition: str) -> int:
        ((count,),) = by_sql(export.conninfo, f"SELECT count(*) FROM {table} WHERE {condition}", CALL)
        return int(count)

    of_call = "recording_id IN (SELECT recording_id FROM recordings WHERE call_id = %s)"
    assert counted("recordings", "call_id = %s") == 1
    assert counted("transcripts", of_call) == 1
    assert counted("run_work", of_call) == 1
    assert counted("charges", f"purpose = 'recognition' AND {of_call}") == 1
    assert counted("call_records", "call_id = %s") == 3
    assert (downloaded(export), bought(export)) == (CALLS, CALLS)


def test_quiet_nights_add_no_rows_about_recordings_and_few_files(export: Export) -> None:
    """Each night reports all texts all the same."""
    export.run(run_after=night(0))
    tables, files = rows_of_tables(export.conninfo), stored(export)
    for number in range(1, NIGHTS):
        outcome = export.run(run_after=night(number))
        assert statuses(export, outcome.run_id) == {RecordStatus.COMPLETED: CALLS}
    now = rows_of_tables(export.conninfo)
    assert {name for name in now if now[name] != tables[name]} <= OF_NIGHTS
    assert now["call_exports"] == NIGHTS
    assert (now["call_events"] - tables["call_events"]) / (NIGHTS - 1) < 30
    assert len(stored(export) - files) == NIGHTS - 1, "a log each; registry and report take the place of earlier ones"
