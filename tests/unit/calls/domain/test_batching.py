"""Batches: bounded, balanced, in order, the same each time."""

import math

from hypothesis import given
from hypothesis import strategies as st

from include.calls.domain.batching import plan_batches

LIMITS = {"call_of": int, "slots": 10, "max_batches": 200, "min_calls": 1, "max_calls": 50}

minutes = st.lists(st.floats(0, 60), max_size=400)


def recordings(lengths: list[float]) -> list[tuple[int, float]]:
    return list(enumerate(lengths))


@given(minutes)
def test_every_recording_is_in_one_batch(lengths: list[float]) -> None:
    """In the order of the calls."""
    batches = plan_batches(recordings(lengths), **LIMITS)
    assert [key for batch in batches for key in batch] == list(range(len(lengths)))
    assert all(batches)


@given(minutes)
def test_the_number_of_batches_is_bounded(lengths: list[float]) -> None:
    assert len(plan_batches(recordings(lengths), **LIMITS | {"max_batches": 7})) <= 7


@given(minutes.filter(bool))
def test_no_batch_is_longer_than_a_slots_share(lengths: list[float]) -> None:
    """Much longer than a slot's share of what is left."""
    weights = [length + 0.1 for length in lengths]
    left, shortest = math.fsum(weights), math.fsum(weights) / len(weights)
    for batch in plan_batches(recordings(lengths), **LIMITS):
        weight = math.fsum(weights[key] for key in batch)
        assert weight <= max(left / 10 * 4 / 3, shortest) + max(weights) + 1e-6
        left -= weight


def test_slots_begin_soon_and_end_together() -> None:
    sizes = [len(batch) for batch in plan_batches(recordings([1.0] * 1000), **LIMITS)]
    assert sizes[:12] == [1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 5, 7]
    assert sizes[-10:] == [1] * 10
    assert len(sizes) < 100


def test_a_few_calls_are_shared_by_the_lines() -> None:
    assert [len(batch) for batch in plan_batches(recordings([1.0] * 12), **LIMITS)] == [1] * 12
    assert plan_batches(recordings([1.0]), **LIMITS) == [[0]]


def test_a_huge_period_gets_longer_batches_not_more() -> None:
    for calls in (9_000, 20_000, 100_000):
        sizes = [len(batch) for batch in plan_batches(recordings([1.0] * calls), **LIMITS)]
        assert 150 < len(sizes) <= 200
        assert max(sizes) <= 1.5 * calls / 150


def test_recordings_of_no_known_length_are_spread_evenly() -> None:
    assert {len(batch) for batch in plan_batches(recordings([0.0] * 20), **LIMITS)} == {1, 2}


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0, 60)), max_size=200))
def test_recordings_of_one_call_are_in_one_batch(calls: list[tuple[int, float]]) -> None:
    """The task of another batch would have to wait for the claim on the call."""
    found = [((call, number), minutes) for number, (call, minutes) in enumerate(calls)]
    batches = plan_batches(found, **LIMITS | {"call_of": lambda key: key[0]})
    assert sorted(key for batch in batches for key in batch) == sorted(key for key, _ in found)
    held = [{call for call, _ in batch} for batch in batches]
    assert sum(map(len, held)) == len({call for call, _ in calls})


def test_nothing_to_do_is_no_batch() -> None:
    assert plan_batches([], **LIMITS) == []
