"""The bars of `make chaos` fail where they must: a trial that cannot fail proves nothing."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trials.chaos.databases import Try
from trials.chaos.evidence import Evidence
from trials.chaos.scenario import Kill, Outcome, Plan, nothing_was_left, signs
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


def failed(outcome: Outcome) -> list[str]:
    return [bar.what.split(" (")[0].split(",")[0] for bar in bars(PLAN, outcome) if not bar.held]


def test_a_run_that_lost_nothing_holds_every_bar() -> None:
    assert failed(GOOD) == []


@pytest.mark.parametrize(
    ("evidence", "bar"),
    [
        (replace(EVIDENCE, lost=1), "recordings lost"),
        (replace(EVIDENCE, texts_twice=1), "texts twice"),
        (replace(EVIDENCE, requests=211), "requests beyond one per piece"),
        (replace(EVIDENCE, requests=207), "requests beyond one per piece"),
        (replace(EVIDENCE, half_written=("call_1.txt",)), "files half-written"),
        (replace(EVIDENCE, orphans=1), "temporary folders of killed tasks"),
        (replace(EVIDENCE, recordings=199), "recordings of the portal"),
    ],
    ids=[
        "lost",
        "twice",
        "one request more than kills",
        "fewer requests than pieces",
        "half-written",
        "left behind",
        "too few",
    ],
)
def test_each_loss_fails_its_own_bar(evidence: Evidence, bar: str) -> None:
    assert failed(replace(GOOD, evidence=evidence)) == [bar]


@pytest.mark.parametrize("wait", [300.0, None], ids=["five minutes", "never"])
def test_work_that_continues_too_late_fails(wait: float | None) -> None:
    assert failed(replace(GOOD, waits=[1.0, wait])) == ["until work continues"]


def test_an_error_or_too_few_kills_fail() -> None:
    short = replace(GOOD, kills=GOOD.kills[:1], waits=[1.0], status="error", evidence=replace(EVIDENCE, requests=208))
    assert failed(short) == ["kills", "run"]


def test_a_seed_fixes_the_order_and_kills_every_kind() -> None:
    order = kinds(random.Random(7), 20)
    assert order == kinds(random.Random(7), 20)
    assert order != kinds(random.Random(8), 20)
    assert {kind: order.count(kind) for kind in Kind} == dict.fromkeys(Kind, 5)


def test_only_the_killed_work_counts_as_progress() -> None:
    def later(seconds: int) -> datetime:
        return NOON + timedelta(seconds=seconds)

    tries = [
        Try("batch.transcribe", 3, 1, later(-9), later(-9)),
        Try("batch.transcribe", 4, 1, later(1), later(-1)),  # another task, queued by the old scheduler
        Try("batch.transcribe", 3, 2, later(60), later(59)),
        Try("publish", -1, 1, None, None),
    ]
    moves = [later(5)]
    assert signs(Kill(Kind.TASK, NOON, NOON, "batch.transcribe", 3), tries, moves) == [later(-9), later(60)]
    assert signs(Kill(Kind.SCHEDULER, NOON, NOON), tries, moves) == [later(60)]
    assert signs(Kill(Kind.POSTGRES, NOON, NOON), tries, moves) == moves


def test_a_task_that_had_succeeded_when_its_process_died_left_nothing_to_continue() -> None:
    def tried(number: int, *, minute: int, succeeded: bool) -> Try:
        at = NOON + timedelta(minutes=minute)
        return Try("batch.transcribe", 3, number, at, at, succeeded)

    kill = Kill(Kind.TASK, NOON, NOON, "batch.transcribe", 3)
    assert nothing_was_left(kill, [tried(1, minute=-2, succeeded=False), tried(2, minute=-1, succeeded=True)])
    assert not nothing_was_left(kill, [tried(1, minute=-1, succeeded=False), tried(2, minute=1, succeeded=True)])
    assert not nothing_was_left(kill, [])
