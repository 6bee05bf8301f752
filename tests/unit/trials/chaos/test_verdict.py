"""The bars of `make chaos` fall when they should: a chaos run that cannot fail proves nothing."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trials.chaos.databases import Try
from trials.chaos.evidence import Evidence
from trials.chaos.scenario import Kill, Outcome, Plan, signs
from trials.chaos.verdict import bars
from trials.chaos.victims import Kind, kinds

PLAN = Plan(kills=2, recordings=200, seed=1)
NOON = datetime(2025, 8, 1, 12, tzinfo=UTC)
EVIDENCE = Evidence(
    recordings=208, lost=0, texts_twice=0, pieces=208, requests=210, half_written=(), hidden_leftovers=0, orphans=0
)
GOOD = Outcome(
    kills=[Kill(Kind.TASK, NOON, NOON, "batch.transcribe", 3), Kill(Kind.POSTGRES, NOON, NOON)],
    waits=[1.0, 299.9],
    status="completed",
    seconds=400.0,
    evidence=EVIDENCE,
)


def fallen(outcome: Outcome) -> list[str]:
    return [bar.what.split(" (")[0].split(",")[0] for bar in bars(PLAN, outcome) if not bar.held]


def test_a_run_that_lost_nothing_holds_every_bar() -> None:
    assert fallen(GOOD) == []


@pytest.mark.parametrize(
    ("evidence", "bar"),
    [
        (replace(EVIDENCE, lost=1), "потеряно записей"),
        (replace(EVIDENCE, texts_twice=1), "текстов дважды"),
        (replace(EVIDENCE, requests=211), "распознаваний сверх одного на отрывок"),
        (replace(EVIDENCE, requests=207), "распознаваний сверх одного на отрывок"),
        (replace(EVIDENCE, half_written=("call_1.txt",)), "недописанных файлов"),
        (replace(EVIDENCE, orphans=1), "временных папок убитых задач"),
        (replace(EVIDENCE, recordings=199), "записей на портале"),
    ],
    ids=[
        "lost",
        "twice",
        "one request more than kills",
        "a text nobody asked for",
        "half-written",
        "left behind",
        "too few",
    ],
)
def test_each_loss_lets_its_own_bar_fall(evidence: Evidence, bar: str) -> None:
    assert fallen(replace(GOOD, evidence=evidence)) == [bar]


@pytest.mark.parametrize("wait", [300.0, None], ids=["five minutes", "never"])
def test_work_that_does_not_go_on_in_time_is_seen(wait: float | None) -> None:
    assert fallen(replace(GOOD, waits=[1.0, wait])) == ["до продолжения"]


def test_a_run_in_error_or_with_fewer_kills_than_planned_proves_nothing() -> None:
    short = replace(GOOD, kills=GOOD.kills[:1], waits=[1.0], status="error", evidence=replace(EVIDENCE, requests=208))
    assert fallen(short) == ["убийств", "выгрузка"]


def test_the_same_seed_kills_in_the_same_order_and_nobody_is_spared() -> None:
    order = kinds(random.Random(7), 20)
    assert order == kinds(random.Random(7), 20)
    assert order != kinds(random.Random(8), 20)
    assert {kind: order.count(kind) for kind in Kind} == dict.fromkeys(Kind, 5)


def test_progress_is_that_of_what_was_killed_not_of_its_neighbours() -> None:
    def later(seconds: int) -> datetime:
        return NOON + timedelta(seconds=seconds)

    tries = [
        Try("batch.transcribe", 3, 1, later(-9), later(-9)),
        Try("batch.transcribe", 4, 1, later(1), later(-1)),  # a neighbour that the old scheduler had queued
        Try("batch.transcribe", 3, 2, later(60), later(59)),
        Try("publish", -1, 1, None, None),
    ]
    moves = [later(5)]
    assert signs(Kill(Kind.TASK, NOON, NOON, "batch.transcribe", 3), tries, moves) == [later(-9), later(60)]
    assert signs(Kill(Kind.SCHEDULER, NOON, NOON), tries, moves) == [later(60)]
    assert signs(Kill(Kind.POSTGRES, NOON, NOON), tries, moves) == moves
