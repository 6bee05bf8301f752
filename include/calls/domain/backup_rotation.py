"""Which backups are kept: the newest of each of the last days, weeks and months that have one.

Counted by days that have a backup, not by the calendar: where backups stop, the old ones stay.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Rotation:
    daily: int = 7
    weekly: int = 4
    monthly: int = 6


def kept(made_at: Mapping[str, datetime], rotation: Rotation = Rotation()) -> set[str]:
    """Ids of the backups to keep, of good ones only: what was never verified must not push a verified one out."""
    newest_first = sorted(made_at, key=lambda one: (made_at[one].astimezone(UTC), one), reverse=True)
    periods: Iterable[tuple[int, Callable[[datetime], Any]]] = (
        (rotation.daily, lambda at: at.date()),
        (rotation.weekly, lambda at: at.isocalendar()[:2]),
        (rotation.monthly, lambda at: (at.year, at.month)),
    )
    found: set[str] = set()
    for limit, period_of in periods:
        newest: dict[Any, str] = {}
        for one in newest_first:
            newest.setdefault(period_of(made_at[one].astimezone(UTC)), one)
        found.update(list(newest.values())[:limit])
    return found
