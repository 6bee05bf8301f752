"""The nights on which a missing recording is looked for again."""

from datetime import date, timedelta

from include.calls.domain.retries import next_look

FIRST = date(2025, 8, 3)
NIGHTS = [1, 2, 4, 8, 16]


def test_nights_grow_further_apart() -> None:
    """One run a night: the recording is looked for on the nights 1, 2, 4, 8 and 16 after it was first missed."""
    due, looked = next_look(FIRST, FIRST, NIGHTS), []
    for night in range(1, 40):
        tonight = FIRST + timedelta(days=night)
        if due and due <= tonight:
            looked.append(night)
            due = next_look(FIRST, tonight, NIGHTS)
    assert looked == NIGHTS


def test_nights_without_a_run_are_skipped() -> None:
    assert next_look(FIRST, FIRST + timedelta(days=5), NIGHTS) == FIRST + timedelta(days=8)


def test_after_the_last_night_no_run_looks_by_itself() -> None:
    assert next_look(FIRST, FIRST + timedelta(days=16), NIGHTS) is None
    assert next_look(FIRST, FIRST, []) is None


def test_a_run_of_an_earlier_night_changes_no_order() -> None:
    """A backfill whose own night lies before the first miss looks on the first of the nights."""
    assert next_look(FIRST, FIRST - timedelta(days=3), NIGHTS) == FIRST + timedelta(days=1)
