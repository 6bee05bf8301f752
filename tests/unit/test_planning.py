"""Batches: bounded, balanced, in order, the same each time."""

import math

from hypothesis import given
from hypothesis import strategies as st

from include.domain.planning import plan_batches

LIMITS = {"lines": 10, "max_batches": 200, "min_calls": 5, "max_calls": 200}

minutes = st.lists(st.floats(0, 60), max_size=400)


def recordings(lengths: list[float]) -> list[tuple[int, float]]:
    return list(enumerate(lengths))


@given(minutes)
def test_every_recording_is_in_one_batch_in_the_order_of_the_calls(lengths: list[float]) -> None:
    batches = plan_batches(recordings(lengths), **LIMITS)
    assert [key for batch in batches for key in batch] == list(range(len(lengths)))
    assert all(batches)


@given(minutes)
def test_the_number_of_batches_is_bounded(lengths: list[float]) -> None:
    assert len(plan_batches(recordings(lengths), **LIMITS | {"max_batches": 7})) <= 7


@given(minutes.filter(bool))
def test_no_batch_is_longer_than_a_fair_share_and_its_longest_call(lengths: list[float]) -> None:
    batches = plan_batches(recordings(lengths), **LIMITS | {"min_calls": 1})
    weights = [length + 0.1 for length in lengths]
    fair = math.fsum(weights) / min(80, len(lengths))
    for batch in batches:
        assert math.fsum(weights[key] for key in batch) <= fair + max(weights) + 1e-6


def test_each_line_gets_several_batches() -> None:
    assert len(plan_batches(recordings([3.0] * 3000), **LIMITS)) == 80


def test_a_task_is_not_started_for_a_handful_of_calls() -> None:
    assert [len(batch) for batch in plan_batches(recordings([1.0] * 12), **LIMITS)] == [6, 6]
    assert plan_batches(recordings([1.0] * 3), **LIMITS) == [[0, 1, 2]]


def test_a_huge_period_gets_longer_batches_not_more() -> None:
    batches = plan_batches(recordings([1.0] * 100_000), **LIMITS)
    assert len(batches) == 200
    assert max(len(batch) for batch in batches) <= 501


def test_recordings_of_no_known_length_are_spread_evenly() -> None:
    assert [len(batch) for batch in plan_batches(recordings([0.0] * 20), **LIMITS)] == [5, 5, 5, 5]


def test_nothing_to_do_is_no_batch() -> None:
    assert plan_batches([], **LIMITS) == []
