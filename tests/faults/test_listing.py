"""The portal's list of calls: pages that lie, repeat or shift; every call is listed once, or the run says why not."""

from datetime import timedelta

import psycopg
import pytest

from include.calls.domain.states import RecordStatus
from include.common.errors import ContractBroken
from tests.kit.export_under_faults import (
    STATISTICS,
    audio,
    calls,
    check_published,
    completed_by_resume,
    exporting,
    recorded,
    statuses,
    stopped,
    unrecorded,
    world_of,
)
from tests.kit.whole_export import Export

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("ignored", [">=CALL_START_DATE", "<=CALL_START_DATE"])
def test_rows_outside_the_filter_are_an_error_and_not_data(ignored, database, tmp_path):
    """A portal that silently drops a filter would export its whole history."""
    stranger = recorded(3)
    stranger.started_at += timedelta(days=-40 if ignored.startswith(">") else 40)
    world = world_of(*calls(2), stranger)
    with exporting(world, database, tmp_path) as export:
        export.portal.methods.ignores = frozenset({ignored})
        run_id = stopped(export, ContractBroken, "the portal ignores the filter")
        export.portal.methods.ignores = frozenset()
        del world.calls[stranger.id]
        completed_by_resume(export, run_id)


@pytest.mark.parametrize(
    "ignored",
    [{">ID"}, {"start=-1"}, {">ID", "start=-1"}, {"SORT"}, {">ID", "start=-1", "SORT"}],
    ids=lambda names: " and ".join(sorted(names)),
)
def test_repeated_pages_lose_and_double_nothing(ignored, database, tmp_path):
    """Without `>ID` every page is the first one again; the rest is then read by offsets."""
    with exporting(world_of(*calls(2, silent=118)), database, tmp_path) as export:
        export.portal.methods.ignores = frozenset(ignored)
        outcome = export.run()
        assert outcome.red == []
        expected = {RecordStatus.COMPLETED: 2, RecordStatus.NO_RECORDING: 118}
        assert statuses(check_published(export, outcome)) == expected


@pytest.mark.parametrize(("ignored", "page"), [(set(), 5), ({">ID"}, 9)], ids=["keyset", "offset"])
def test_calls_that_appear_while_listing_shift_none(ignored, page, database, tmp_path):
    world = world_of(*calls(1, silent=118))
    with exporting(world, database, tmp_path) as export:
        export.portal.methods.ignores = frozenset(ignored)

        def calls_come_in() -> None:
            world.add(recorded(500, user_id="13"), audio(500))
            world.add(unrecorded(501))

        export.portal.before(STATISTICS, page, calls_come_in)
        outcome = export.run()
        assert outcome.red == []
        rows = check_published(export, outcome)
        assert statuses(rows) == {RecordStatus.COMPLETED: 2, RecordStatus.NO_RECORDING: 119}
        assert portal_total(export) == len(rows)


@pytest.mark.parametrize(("ignored", "page"), [(set(), 6), ({">ID"}, 9)], ids=["keyset", "offset"])
def test_a_row_deleted_while_listing_hides_no_other_call(ignored, page, database, tmp_path):
    """By offsets a deleted row moves the next page's first row onto the page that was read already."""
    world = world_of(*calls(1, silent=118))
    with exporting(world, database, tmp_path) as export:
        export.portal.methods.ignores = frozenset(ignored)
        export.portal.before(STATISTICS, page, lambda: world.calls.pop(7))
        outcome = export.run()
        seen = {row.statistics_id for row in export.records(outcome.run_id)}
        assert set(world.calls) <= seen <= {*world.calls, 7}


def portal_total(export: Export) -> int:
    with psycopg.connect(export.conninfo) as connection:
        ((total,),) = connection.execute("SELECT (metadata ->> 'portal_total')::integer FROM call_exports").fetchall()
    return int(total)


@pytest.mark.parametrize(
    ("ignored", "where", "after", "body", "words"),
    [
        ({">ID"}, STATISTICS, 5, {"result": [], "next": 0, "total": 70}, "next page is not after this one"),
        (set(), STATISTICS, 3, {"result": [], "total": 99}, "counts 99 calls in the period but lists 70"),
        (set(), STATISTICS, 3, {"result": []}, "did not count its calls"),
        (set(), "batch", 1, {"result": {"result": {"p0": [1], "p1": []}}}, "no list of rows"),
        (set(), "batch", 1, {"result": "ok"}, "has no parts"),
        (set(), "batch", 1, {"answer": []}, "neither `result` nor `error`"),
    ],
    ids=["next page stuck", "more counted than listed", "no total", "no rows", "no parts", "no result"],
)
def test_an_answer_that_cannot_be_understood_stops_the_run(ignored, where, after, body, words, database, tmp_path):
    """Taking it for data could lose calls; a run resumed once the portal is sane again lists everything."""
    with exporting(world_of(*calls(2, silent=68)), database, tmp_path) as export:
        export.portal.methods.ignores = frozenset(ignored)
        export.portal.faults.add(where, "body", times=-1, after=after, body=body)
        run_id = stopped(export, ContractBroken, words)
        export.portal.faults.clear()
        completed_by_resume(export, run_id)
