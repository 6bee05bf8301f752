"""Faults of a whole run of scores: no consent to its money, a card that cannot be read, clocks that are wrong."""

import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from include.call_centre.steps import open_run as opening
from include.call_centre.steps import plan as planning
from include.call_centre.steps.day_figures import make_day
from include.call_centre.steps.load_cards import FOLDER, all_cards, newest_cards, read_card
from include.call_centre.steps.open_run import open_run
from include.call_centre.steps.score_batch import TextsWaiting
from include.calls.state.state import State
from include.common.errors import NotConfigured, StopRun
from tests.kit import state_samples as samples
from tests.kit.scored_calls import BODY, NOW, Scored, judges, with_texts

pytestmark = [pytest.mark.postgres, pytest.mark.long]

KYIV = ZoneInfo("Europe/Kyiv")
CARD = "operator_default"


@pytest.fixture
def world(database: str) -> Iterator[Scored]:
    with judges(database) as found:
        yield found


def scores(world: Scored) -> int:
    ((found,),) = world.rows("SELECT count(*) FROM callcenter.quality_scores")
    return int(found)


# ---------------------------------------------------------------- money without consent


def asking(world: Scored) -> UUID:
    """A run that is above its budget and has asked."""
    world.settings["QUALITY_BUDGET_USD"] = "0.000001"
    run_id = world.opened()
    assert world.planned(run_id).question is not None
    return run_id


def answered(world: Scored, run_id: UUID, *, approved: bool, by: str | None) -> list[int]:
    with world.services(run_id) as (state, routing, _):
        return planning.decided(run_id, state, routing, approved=approved, by=by)


@pytest.mark.parametrize(
    ("by", "event"), [("Оператор 1", "refused"), (None, "unanswered")], ids=["refused", "no answer"]
)
def test_without_consent_nothing_is_bought_and_the_next_run_asks_again(
    world: Scored, by: str | None, event: str
) -> None:
    with_texts(world.database, 2)
    run_id = asking(world)
    assert answered(world, run_id, approved=False, by=by) == []
    assert world.closed(run_id).status == "cancelled", "green: a decision is no failure"
    assert world.rows(
        "SELECT event, actor FROM callcenter.quality_events WHERE stage = 'plan' AND event <> 'planned'"
    ) == [(event, by or "")]
    ((batch,),) = world.rows("SELECT DISTINCT batch_no FROM callcenter.quality_work")
    with pytest.raises(StopRun, match="cancelled"):  # whoever starts it in spite of that
        world.scored(run_id, batch)
    assert (world.asked, scores(world)) == ((0, 0), 0)
    assert world.rows("SELECT count(*) FROM llm_day_ceilings") == [(0,)]
    again = asking(world)
    assert len(answered(world, again, approved=True, by="Оператор 2")) == 1
    world.scored(again, 1)
    assert (world.closed(again).status, scores(world)) == ("completed", 2)


# ---------------------------------------------------------------- a card that cannot be read

BROKEN = {
    "no YAML": "card: [operator",
    "not UTF-8": b"card: \xff\xfe",
    "a list": "- card",
    "an unknown answer in evidence": ("evidence: {yes: quote", "evidence: {maybe: quote"),
    "no points": ("pass_score:", "pass_mark:"),
    "another version than its file's": ("version: 1", "version: 2"),
}


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of cards that the steps read instead of the package's; returns the file of the card in use."""
    folder = tmp_path / "scorecards"
    shutil.copytree(FOLDER, folder)
    monkeypatch.setattr(opening, "newest_cards", partial(newest_cards, folder=folder))
    monkeypatch.setattr(opening, "all_cards", partial(all_cards, folder=folder))
    return folder / CARD / "v1.yaml"


def break_card(file: Path, how: Any) -> None:
    if isinstance(how, tuple):
        text = file.read_text(encoding="utf-8")
        assert how[0] in text
        how = text.replace(*how)
    file.write_bytes(how if isinstance(how, bytes) else how.encode())


@pytest.mark.parametrize("how", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_card_begins_no_run_and_is_named(world: Scored, cards: Path, how: Any) -> None:
    with_texts(world.database, 1)
    break_card(cards, how)
    with pytest.raises(NotConfigured, match=f"{CARD}/v1.yaml"):
        world.opened()
    assert world.rows("SELECT count(*) FROM callcenter.quality_runs") == [(0,)]
    assert world.asked == (0, 0)


def test_a_card_that_breaks_in_mid_run_spoils_nothing_that_is_planned(world: Scored, cards: Path) -> None:
    """A run judges by the card that it has read, which the database keeps."""
    with_texts(world.database, 1)
    run_id = world.opened()
    (batch,) = world.planned(run_id).batches
    break_card(cards, "card: [operator")
    world.scored(run_id, batch)
    assert (world.closed(run_id).status, scores(world)) == ("completed", 1)


def test_a_card_that_breaks_before_the_plan_is_no_completed_run(world: Scored, cards: Path) -> None:
    with_texts(world.database, 1)
    run_id = world.opened()
    whole = cards.read_bytes()
    break_card(cards, "card: [operator")
    read_card.cache_clear()
    with pytest.raises(NotConfigured, match=CARD):
        world.planned(run_id)
    assert world.closed(run_id, failed_step="plan").status == "error"
    cards.write_bytes(whole)
    read_card.cache_clear()
    assert world.run().scored == 1


# ---------------------------------------------------------------- clocks


def texts_at(world: Scored, *moments: datetime) -> None:
    with State.open(world.database) as state:
        calls = [samples.call(number, started_at=at) for number, at in enumerate(moments, start=1)]
        run = samples.opened(state, "texts", *calls, period_from=min(moments), period_to=max(moments))
        for number, row in enumerate(samples.rows(state, run), start=1):
            samples.to_text(state, run, row, checksum=f"{number:064}", words=BODY.format(number=number))


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)], ids=["spring", "autumn"]
)
def test_a_day_of_the_clock_change_is_scored_and_counted_whole_and_alone(world: Scored, day: date, hours: int) -> None:
    first = datetime(day.year, day.month, day.day, tzinfo=KYIV).astimezone(samples.MOSCOW)
    last = first + timedelta(hours=hours) - timedelta(minutes=1)
    inside = [first + timedelta(hours=hour) for hour in range(hours)]
    texts_at(world, first - timedelta(minutes=1), *inside, last, last + timedelta(minutes=1))
    closed = world.run(date_from=day.isoformat(), date_to=day.isoformat())
    assert (closed.status, closed.scored) == ("completed", hours + 1)
    world.run(date_from=(day - timedelta(days=1)).isoformat(), date_to=(day + timedelta(days=1)).isoformat())
    with world.services() as (state, _, _):
        for back in (-1, 0, 1):
            make_day(state, world.policy, day + timedelta(days=back))
    found = world.rows("SELECT total_calls, scored FROM callcenter.daily_stats ORDER BY stat_date")
    assert found == [(1, 1), (hours + 1, hours + 1), (1, 1)], "each call is of one day"
    ((hourly,),) = world.rows("SELECT hourly FROM callcenter.daily_stats WHERE stat_date = %s", day)
    at_three = {23: None, 25: 2}[hours]  # the hour that is left out in spring comes twice in autumn
    assert (hourly.get("03"), sum(hourly.values())) == (at_three, hours + 1)


@pytest.mark.parametrize("off", [timedelta(hours=-3), timedelta(days=2)], ids=["slow", "fast"])
def test_a_worker_whose_clock_is_wrong_loses_no_text(world: Scored, off: timedelta) -> None:
    """Work comes from rows: what a slow clock does not see yet is the work of the next run."""
    recent = NOW.astimezone(samples.MOSCOW) - timedelta(hours=1)
    texts_at(world, recent, recent - timedelta(days=3))

    def run(at: datetime) -> int:
        world.runs += 1
        with world.services() as (state, _, _):
            run_id = open_run(f"dag-{world.runs}", {}, state, world.policy, actor="schedule", at=at)
        for batch in world.planned(run_id).batches:
            world.scored(run_id, batch)
        closed = world.closed(run_id)
        assert closed.status == "completed"
        return closed.scored

    assert run(NOW + off) == (1 if off < timedelta() else 2)
    assert run(NOW) == (1 if off < timedelta() else 0)
    assert world.asked == (2, 0)


def set_clock(world: Scored, off: str) -> None:
    """What the database takes for the time, in every session that begins from now on."""
    functions = "".join(
        f"CREATE OR REPLACE FUNCTION wrong.{name}() RETURNS timestamptz LANGUAGE sql VOLATILE"
        f" AS $$ SELECT pg_catalog.{name}() + interval '{off}' $$;"
        for name in ("now", "clock_timestamp")
    )
    with psycopg.connect(world.database, autocommit=True) as connection:
        connection.execute(("CREATE SCHEMA IF NOT EXISTS wrong;" + functions).encode())
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET search_path = wrong, pg_catalog, public'.encode())


def in_the_hands_of_another(world: Scored) -> tuple[UUID, Thread]:
    """One text; the task of a run that is buying its score at this moment."""
    with_texts(world.database, 1)
    world.a.seconds = 3
    run_id = world.opened()
    (batch,) = world.planned(run_id).batches
    other = world.opened()
    assert world.planned(other).batches == [batch]
    buying = Thread(target=world.scored, args=(run_id, batch))
    buying.start()
    for _ in range(200):
        if world.asked == (1, 0):
            break
        buying.join(0.05)
    return other, buying


def test_a_clock_that_jumps_ahead_ends_leases_and_scores_nothing_twice(world: Scored) -> None:
    other, buying = in_the_hands_of_another(world)
    set_clock(world, "2 hours")
    world.scored(other, 1)  # both buy, the first answer is the score
    buying.join()
    assert world.rows("SELECT status, current FROM callcenter.quality_scores") == [("scored", True)]
    assert world.asked == (2, 0), "one request is lost, not more"
    assert world.rows("SELECT sum(requests) FROM charges WHERE purpose = 'quality'") == [(2,)], (
        "and it is in the ledger"
    )


def test_a_clock_that_jumps_back_buys_nothing_that_another_task_buys(world: Scored) -> None:
    other, buying = in_the_hands_of_another(world)
    set_clock(world, "-2 hours")
    with pytest.raises(TextsWaiting, match="another task"):
        world.scored(other, 1)
    buying.join()
    world.scored(other, 1, fresh=False)
    assert (world.asked, scores(world)) == ((1, 0), 1)
    assert world.closed(other).status == "completed"
