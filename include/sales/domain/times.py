"""Instants and days as the warehouse keeps them."""

from datetime import UTC, date, datetime
from typing import overload

NO_DAY = date(1970, 1, 1)  # the day of a column that has no NULL


@overload
def in_utc(instant: datetime) -> datetime: ...


@overload
def in_utc(instant: None) -> None: ...


def in_utc(instant: datetime | None) -> datetime | None:
    """In UTC and whole seconds; None stays None."""
    return None if instant is None else instant.astimezone(UTC).replace(microsecond=0)
