"""Days are local: one has 23 hours, another 25."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from include.call_centre.state.quality_people import QualityPeople, Scope, Wanted
from include.call_centre.steps.day_figures import bounds_of, make_day
from include.calls.state.state import State
from tests.kit import state_samples as samples
from tests.kit.scored_calls import BODY, NOW, Scored, judges, with_texts

KYIV = ZoneInfo("Europe/Kyiv")
DAY = date(2025, 8, 6)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 29), 24)]
)
def test_a_local_day_has_its_own_hours(day: date, hours: int) -> None:
    since, until = bounds_of(day, KYIV)
    assert until - since == timedelta(hours=hours)


@pytest.fixture
def world(database: str) -> Iterator[Scored]:
    with judges(database) as found:
        yield found


@pytest.mark.postgres
def test_a_day_made_twice_is_the_same_day(world: Scored) -> None:
    with_texts(world.database, 2)
    world.run()
    with world.services() as (state, _, _):
        for _ in range(2):
            make_day(state, world.policy, date(2025, 8, 6))
    found = world.rows("SELECT stat_date, card, total_calls, scored, calibrated, hourly FROM callcenter.daily_stats")
    assert found == [(date(2025, 8, 6), "operator_default", 2, 2, 0, {"12": 2})]


def build_anew(world: Scored, recording_id: int, number: object = "другой") -> None:
    """The recording shows another text from now on, as after `make rebuild` or a correction of its roles."""
    ((run_id, read_id),) = world.rows(
        "SELECT text.run_id, text.transcript_id FROM recordings JOIN transcripts text USING (transcript_id)"
        " WHERE recordings.recording_id = %s",
        recording_id,
    )
    text = samples.text(BODY.format(number=number))
    with State.open(world.database) as state:
        assert state.transcripts.replace(
            run_id, recording_id, read_id, text, needs_review=False, review_reasons=[], stage="rebuild"
        )


def counted(world: Scored) -> tuple[int, ...]:
    """How many scores each place counts: the day, the averages, the list, the table, the metrics."""
    with world.services() as (state, _, _):
        make_day(state, world.policy, DAY)
        people = QualityPeople(state.session)
        august = datetime(2025, 8, 1, tzinfo=UTC), NOW
        places = [
            sum(one.scores for one in people.averages(*august, Scope())),
            len(people.listed(Wanted(), Scope())),
            len(list(people.exported(*august))),
            sum(count for _, _, count, _ in state.session.values("quality_metrics", "points")),
        ]
    ((of_day,),) = world.rows("SELECT scored FROM callcenter.daily_stats")
    return of_day, *places


@pytest.mark.postgres
def test_a_score_of_a_replaced_text_counts_no_more(world: Scored) -> None:
    with_texts(world.database, 2)
    world.run()
    assert counted(world) == (2, 2, 2, 2, 2)
    ((replaced, recording_id),) = world.rows(
        "SELECT score_id, recording_id FROM callcenter.quality_scores ORDER BY recording_id LIMIT 1"
    )
    ((before,),) = world.rows("SELECT clock_timestamp()")
    build_anew(world, recording_id)
    assert counted(world) == (1, 1, 1, 1, 1)
    with world.services() as (state, _, _):
        assert state.days.changed("Europe/Kyiv", before) == [DAY]
        row = QualityPeople(state.session).score(replaced, Scope())
        assert row is not None
        assert not row.current
    world.run()  # the new text is scored, the old score stays in the table
    assert counted(world) == (2, 2, 2, 2, 2)
    assert world.rows("SELECT count(*) FROM callcenter.quality_scores") == [(3,)]
    ((spent, total),) = world.rows(
        "SELECT total_cost_usd, (SELECT sum(cost) FROM callcenter.quality_scores) FROM callcenter.daily_stats"
    )
    assert spent == total > Decimal(0)  # what was paid stays paid


@pytest.mark.postgres
@pytest.mark.parametrize(
    "words_end",
    [
        "UPDATE transcripts SET body = ''",
        "UPDATE transcripts SET body = '', sha256 = 'anonymised-' || transcript_id",
        "WITH gone AS (UPDATE recordings SET transcript_id = NULL RETURNING 1) SELECT count(*) FROM gone",
    ],
    ids=["ended", "anonymised", "erased"],
)
def test_figures_outlive_the_words(world: Scored, words_end: str) -> None:
    with_texts(world.database, 2)
    world.run()
    ((recording_id,),) = world.rows("SELECT min(recording_id) FROM callcenter.quality_scores")
    build_anew(world, recording_id)
    world.run()
    world.rows(words_end)
    if "recordings" in words_end:
        world.rows("DELETE FROM transcripts")
    assert counted(world) == (2, 2, 2, 2, 2)


@pytest.mark.postgres
@pytest.mark.parametrize(
    "words_end",
    [
        "UPDATE transcripts SET body = '', sha256 = 'anonymised-' || transcript_id",
        "WITH gone AS (UPDATE recordings SET transcript_id = NULL RETURNING 1) SELECT count(*) FROM gone",
    ],
    ids=["anonymised", "erased"],
)
def test_the_score_that_was_shown_last_counts_once_the_words_have_ended(world: Scored, words_end: str) -> None:
    """Roles are corrected twice, each correction is taken back: the newest score is of a text that is not shown."""
    with_texts(world.database, 1)
    world.run()
    ((recording_id, shown),) = world.rows("SELECT recording_id, score_id FROM callcenter.counted_scores")
    ((checksum,),) = world.rows("SELECT sha256 FROM transcripts")
    for number in ("второй", "третий"):
        build_anew(world, recording_id, number)
        world.run()
        build_anew(world, recording_id, 1)
    assert world.rows("SELECT sha256 FROM recordings JOIN transcripts USING (transcript_id)") == [(checksum,)]
    assert world.rows("SELECT score_id FROM callcenter.counted_scores") == [(shown,)]
    world.rows(words_end)
    if "recordings" in words_end:
        world.rows("DELETE FROM transcripts")
    assert world.rows("SELECT score_id FROM callcenter.counted_scores") == [(shown,)]
    assert world.rows("SELECT count(*) FROM callcenter.quality_scores WHERE current") == [(3,)]
