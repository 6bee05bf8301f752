"""The texts that people write as a period, and their meaning."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.common.errors import BadInput
from include.common.periods import Period, resolve_period

DAYS = {"default_days": 60, "max_days": 90}
RUN_AFTER = datetime(2025, 9, 1, 2, 0, 0, 500_000, tzinfo=UTC)


def resolve(period_from: str | None, period_to: str | None, *, allow_long: bool = False) -> Period:
    return resolve_period(period_from, period_to, run_after=RUN_AFTER, allow_long=allow_long, **DAYS)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("period_from", "period_to", "start", "end"),
    [
        ("2025-08-01", "2025-08-31", utc(2025, 8, 1), utc(2025, 8, 31, 23, 59, 59)),
        ("2025-08-05", "2025-08-05", utc(2025, 8, 5), utc(2025, 8, 5, 23, 59, 59)),
        ("2025-08-01T10:00:00+03:00", "2025-08-02T00:30", utc(2025, 8, 1, 7), utc(2025, 8, 2, 0, 30)),
        ("2025-08-01 10:00:00.9Z", "2025-08-02", utc(2025, 8, 1, 10), utc(2025, 8, 2, 23, 59, 59)),
        ("today-60d", "today", utc(2025, 7, 3), utc(2025, 9, 1, 23, 59, 59)),
        (" Today - 1d ", "today-1d", utc(2025, 8, 31), utc(2025, 8, 31, 23, 59, 59)),
        (None, None, utc(2025, 7, 3), utc(2025, 9, 1, 2)),
        ("", "  ", utc(2025, 7, 3), utc(2025, 9, 1, 2)),
        ("2025-08-20", None, utc(2025, 8, 20), utc(2025, 9, 1, 2)),
        (None, "2025-08-31", utc(2025, 7, 2), utc(2025, 8, 31, 23, 59, 59)),
    ],
)
def test_each_accepted_form_of_a_period(
    period_from: str | None, period_to: str | None, start: datetime, end: datetime
) -> None:
    assert resolve(period_from, period_to) == Period(start, end)


@pytest.mark.parametrize(
    ("period_from", "period_to", "reason"),
    [
        ("2025-08-31", "2025-08-01", "is after period_to '2025-08-01'"),
        ("2025-09-02", "2025-09-03", "period_from '2025-09-02' is in the future"),
        ("2025-09-01T02:00:01", None, "is in the future"),
        ("2025-05-01", "2025-08-31", "longer than 90 days"),
        ("last week", None, "period_from 'last week' is no date"),
        ("2025-08-01", "2025-13-01", "period_to '2025-13-01' is no date"),
        ("2025-08-01T25:00", None, "is no date"),
        ("today+1d", None, "is no date"),
        ("0001-01-01T00:00:00+05:00", None, "is no date"),
        ("today-99999d", None, "longer than 90 days"),
        ("2025-08-01; DROP TABLE call_exports", None, "is no date"),
        ("01.08.2025", None, "is no date"),
    ],
)
def test_a_refusal_says_what_is_accepted(period_from: str | None, period_to: str | None, reason: str) -> None:
    """One sentence names the parameter and the accepted forms."""
    with pytest.raises(BadInput) as caught:
        resolve(period_from, period_to)
    assert reason in str(caught.value)
    assert "2025-08-31T19:23:45+03:00" in str(caught.value)
    assert "today-60d" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_days_before_the_calendar_are_refused() -> None:
    """`today-99999d` is before year 1: a refusal, not an OverflowError."""
    with pytest.raises(BadInput, match="before the calendar"):
        resolve_period("today-99999d", None, run_after=utc(200, 1, 1), allow_long=True, **DAYS)
    with pytest.raises(BadInput, match="before the calendar"):
        resolve(None, "0001-01-05")


def test_more_than_ninety_days_need_a_permission() -> None:
    """`allow_long_period` admits them."""
    assert len(resolve("2025-06-03", "2025-08-31").days) == 90
    with pytest.raises(BadInput, match="longer"):
        resolve("2025-06-02", "2025-08-31")
    assert len(resolve("2024-06-02", "2025-08-31", allow_long=True).days) == 456


def test_the_same_run_time_gives_the_same_period_in_any_zone() -> None:
    elsewhere = RUN_AFTER.astimezone(timezone(timedelta(hours=11)))
    there = resolve_period("today-1d", None, run_after=elsewhere, allow_long=False, **DAYS)
    assert there == resolve("today-1d", None)


def test_the_folder_names_the_first_and_the_last_day() -> None:
    assert resolve("2025-08-01", "2025-08-31").folder == "2025-08-01_2025-08-31"


def test_both_ends_belong_to_the_period() -> None:
    """Fractions of a second do not count."""
    period = resolve("2025-08-01", "2025-08-31")
    moscow = timezone(timedelta(hours=3))
    assert period.contains(datetime(2025, 8, 1, 3, 0, tzinfo=moscow))
    assert not period.contains(datetime(2025, 8, 1, 2, 59, 59, tzinfo=moscow))
    assert period.contains(utc(2025, 8, 31, 23, 59, 59, 999_999))
    assert not period.contains(utc(2025, 9, 1))


def test_days_are_all_days_it_touches() -> None:
    assert resolve("2025-08-30T23:00", "2025-09-01").days == [date(2025, 8, 30), date(2025, 8, 31), date(2025, 9, 1)]


@given(st.text(max_size=30), st.text(max_size=30), st.booleans())
def test_any_text_is_a_period_or_a_refusal(period_from: str, period_to: str, allow_long: bool) -> None:
    """No text leads to another exception."""
    try:
        period = resolve(period_from, period_to, allow_long=allow_long)
    except BadInput:
        return
    assert period.start <= period.end
    assert period.start <= RUN_AFTER
