"""What a reader asks for: days, digits, and the place where the next page begins."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.calls.domain.call_filter import CallFilter, Place, ReaderScope, beginning, end, last_digits
from include.common.errors import BadInput

MOSCOW = timezone(timedelta(hours=3))


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)), st.integers(1, 2**62))  # noqa: DTZ001
def test_a_cursor_is_a_place_again(moment: datetime, number: int) -> None:
    place = Place(moment.replace(tzinfo=UTC), number)
    assert Place.of(place.cursor()) == place


@pytest.mark.parametrize("text", ["", "x", "A" * 200, "MTIz", "../..", "🦊", "MjAyNjAxMDEuMQ"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        Place.of(text)


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("67", "67"),
        ("45-67", "4567"),
        ("8 (999) 765-43-21", "9997654321"),
        ("+7 999 765 43 21", "9997654321"),
        ("79997654321", "9997654321"),
        ("380441234567", "380441234567"),
        ("", ""),
    ],
)
def test_spellings_of_a_number_end_alike(typed: str, digits: str) -> None:
    assert last_digits(typed) == digits


def test_a_day_is_whole_in_its_zone_and_a_moment_is_itself() -> None:
    day, moment = date(2026, 11, 27), datetime(2026, 11, 27, 14, 5, tzinfo=UTC)
    assert beginning(day, MOSCOW) == datetime(2026, 11, 26, 21, tzinfo=UTC)
    assert end(day, MOSCOW) == datetime(2026, 11, 27, 21, tzinfo=UTC)
    assert beginning(moment, MOSCOW) == moment
    assert end(moment, MOSCOW) == moment + timedelta(seconds=1)
    assert beginning(moment.replace(tzinfo=None), MOSCOW) == moment
    assert beginning(None, MOSCOW) is end(None, MOSCOW) is None


def test_only_what_is_asked_is_a_condition() -> None:
    assert CallFilter().names == []
    scoped = CallFilter(scope=ReaderScope(lines=[]), digits="67", min_sec=1)
    assert scoped.names == ["of_scope", "of_digits", "of_duration"]
