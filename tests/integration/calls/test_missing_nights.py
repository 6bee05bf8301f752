"""Audio that the portal does not give is looked for on later nights, further and further apart, and not for ever."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from simulators.bitrix24.world import DiskFile
from tests.kit.export_under_faults import audio, exporting, recorded, replace_audio, world_of
from tests.kit.small_world import by_sql, downloaded, statuses
from tests.kit.whole_export import Export, Outcome, night

pytestmark = [pytest.mark.postgres, pytest.mark.long]

S = RecordStatus
FILE = 9001


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    """Two recordings; the first one's file is gone from the portal's drive."""
    world = world_of(recorded(1), recorded(2))
    world.delete_file(FILE)
    with exporting(world, database, tmp_path) as export:
        yield export


def looked(export: Export, outcome: Outcome) -> bool:
    """Whether the run has asked the portal for the missing recording."""
    query = "SELECT count(*) FROM call_events WHERE run_id = %s AND event = 'missing_audio'"
    return by_sql(export.conninfo, query, outcome.run_id) == [(1,)]


def test_it_is_looked_for_on_nights_1_2_4_8_and_16(export: Export) -> None:
    """One run a night for three weeks: a recording missed on night 0, and no night after the sixteenth."""
    nights = []
    for number in range(21):
        outcome = export.run(run_after=night(number))
        assert outcome.verdict.status is RunStatus.COMPLETED
        assert statuses(export, outcome.run_id) == {S.MISSING_AUDIO: 1, S.COMPLETED: 1}
        if looked(export, outcome):
            nights.append(number)
    assert nights == [0, 1, 2, 4, 8, 16]
    assert downloaded(export) == 1
    since = by_sql(export.conninfo, "SELECT missing_since::text, look_again_on FROM recordings WHERE call_id <> ''")
    assert ("2025-08-03", None) in since


def test_a_night_without_a_run_is_made_up_for(export: Export) -> None:
    """Nights 1 and 2 have no run: night 3 looks, then night 4 as the rule says."""
    export.run(run_after=night(0))
    assert [looked(export, export.run(run_after=night(number))) for number in (3, 4, 5)] == [True, True, False]


def test_found_again_it_is_downloaded_and_forgotten_as_missing(export: Export) -> None:
    export.run(run_after=night(0))
    replace_audio(export.portal.world, FILE, audio(1).read())
    outcome = export.run(run_after=night(1))
    assert statuses(export, outcome.run_id) == {S.COMPLETED: 2}
    dates = by_sql(export.conninfo, "SELECT DISTINCT missing_since, look_again_on FROM recordings")
    assert dates == [(None, None)]


def test_a_person_who_resumes_has_it_looked_for_at_once(export: Export) -> None:
    """Whatever night it is due."""
    export.run(run_after=night(0))
    later = export.run(run_after=night(3))
    assert looked(export, later)
    export.portal.world.files[FILE] = DiskFile(FILE, audio(1))
    resumed = export.run(resume_run_id=str(later.run_id), run_after=night(3))
    assert statuses(export, resumed.run_id) == {S.COMPLETED: 2}


def test_a_forecast_counts_it_on_the_nights_when_it_is_due(export: Export) -> None:
    """A dry run asks the same condition as the run itself and moves nothing."""
    export.run(run_after=night(0))
    for number, due in ((0, 0), (1, 1), (20, 1)):
        with export.state() as state:
            run = state.runs.get(export.run(run_after=night(number), dry_run=True).run_id)
            assert state.work.to_buy(run).recordings == due
    assert by_sql(export.conninfo, "SELECT count(*) FROM call_events WHERE event = 'missing_audio'") == [(1,)]
