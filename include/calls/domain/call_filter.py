"""What a reader of the call browser asks for, and where the next page begins."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple, Self
from uuid import UUID

from include.common.errors import BadInput

_NATIONAL = 10  # digits of a Russian number without its country code
_UNCHECKED = "none"


class Place(NamedTuple):
    """A recording's place in the list, the newest first: the next page begins after it."""

    started_at: datetime
    recording_id: int

    def cursor(self) -> str:
        plain = f"{self.started_at.astimezone(UTC):%Y%m%d%H%M%S%f}.{self.recording_id}"
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def of(cls, cursor: str) -> Self:
        """Raises BadInput for what is no cursor of ours."""
        try:
            plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
            moment, recording_id = plain.split(".")
            return cls(datetime.strptime(moment, "%Y%m%d%H%M%S%f").replace(tzinfo=UTC), int(recording_id))
        except (binascii.Error, ValueError):
            raise BadInput("cursor: not a cursor of this list", problem="browser_bad_cursor") from None


class ReaderScope(NamedTuple):
    """The phone lines and employees whose calls a reader sees; None: all of them."""

    lines: Sequence[str] | None = None
    employee_ids: Sequence[str] | None = None

    @property
    def is_whole(self) -> bool:
        return self.lines is None and self.employee_ids is None


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Empty values do not filter. `since` is inclusive, `before` is not; `verdicts` are ok, issue or none."""

    scope: ReaderScope = field(default_factory=ReaderScope)
    since: datetime | None = None
    before: datetime | None = None
    lines: Sequence[str] = ()
    employees: Sequence[str] = ()
    directions: Sequence[str] = ()
    statuses: Sequence[str] = ()
    flags: Sequence[str] = ()
    verdicts: Sequence[str] = ()
    roles: Sequence[str] = ()
    tags: Sequence[str] = ()
    digits: str = ""
    min_sec: int = 0
    max_sec: int | None = None
    run_id: UUID | None = None
    batch_no: int | None = None

    @property
    def names(self) -> list[str]:
        """The conditions in use, by their names in `include/calls/state/browsing.sql`."""
        used = {
            "of_scope": not self.scope.is_whole,
            "of_period": self.since is not None or self.before is not None,
            "of_lines": self.lines,
            "of_employees": self.employees,
            "of_directions": self.directions,
            "of_statuses": self.statuses,
            "of_flags": self.flags,
            "of_verdicts": self.verdicts,
            "of_roles": self.roles,
            "of_tags": self.tags,
            "of_digits": self.digits,
            "of_duration": self.min_sec or self.max_sec is not None,
            "of_run": self.run_id is not None,
            "of_batch": self.batch_no is not None,
        }
        return [name for name, is_used in used.items() if is_used]


def last_digits(typed: str) -> str:
    """The digits by which a number is found from its end: the national ones of a whole Russian number."""
    digits = re.sub(r"[^0-9]", "", typed)
    return digits[-_NATIONAL:] if len(digits) == _NATIONAL + 1 and digits[0] in "78" else digits


def beginning(day: date | datetime | None, zone: tzinfo) -> datetime | None:
    """A day begins at midnight of the zone; a moment is itself, in UTC if it has no offset."""
    if day is None or isinstance(day, datetime):
        return day if day is None or day.tzinfo else day.replace(tzinfo=UTC)
    return datetime.combine(day, time(), zone)


def end(day: date | datetime | None, zone: tzinfo) -> datetime | None:
    """Exclusive: after a day the midnight that follows, after a moment the next second (call times have whole ones)."""
    if day is None or isinstance(day, datetime):
        moment = beginning(day, zone)
        return moment and moment + timedelta(seconds=1)
    return datetime.combine(day + timedelta(days=1), time(), zone)
