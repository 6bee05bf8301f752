"""What a portal has to export, counted from its call statistics: lines, calls a day, recordings, minutes.

Only counts are kept: no call and no number of a client.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from include.common.money import total, whole_minutes
from include.common.periods import Period
from include.common.telephony import Call, Listed

_SECONDS_OF_A_DAY = 86_400


@dataclass(slots=True)
class LineFigures:
    """`minutes` are those that would be billed: each recording rounded up, at least one. `seconds`: the portal's."""

    calls: int = 0
    recordings: int = 0
    minutes: int = 0
    seconds: int = 0

    def add(self, call: Call) -> None:
        self.calls += 1
        if call.has_recording:
            self.recordings += 1
            self.minutes += max(1, whole_minutes(call.duration_sec))
            self.seconds += call.duration_sec


def together(lines: Iterable[LineFigures]) -> LineFigures:
    found = LineFigures()
    for line in lines:
        found.calls += line.calls
        found.recordings += line.recordings
        found.minutes += line.minutes
        found.seconds += line.seconds
    return found


@dataclass(slots=True)
class Survey:
    """Figures of `period`. The portal counts `total` calls in it; `rows` of them, those of `read`, were looked at.

    `unreadable` rows are among `rows`. Figures of `lines` are of the rows alone; the methods scale them to the period.
    """

    period: Period
    total: int
    read: Period
    rows: int = 0
    unreadable: int = 0
    lines: dict[str, LineFigures] = field(default_factory=dict)

    def add(self, listed: Sequence[Listed]) -> None:
        for each in listed:
            self.rows += 1
            if isinstance(each, Call):
                self.lines.setdefault(each.phone_line, LineFigures()).add(each)
            else:
                self.unreadable += 1

    @property
    def days(self) -> Decimal:
        """Of the period; at least one."""
        seconds = (self.period.end - self.period.start).total_seconds() + 1
        return max(Decimal(1), Decimal(round(seconds)) / _SECONDS_OF_A_DAY)

    @property
    def is_sample(self) -> bool:
        return self.rows < self.total

    @property
    def whole(self) -> LineFigures:
        """All lines together."""
        return together(self.lines.values())

    def of_period(self, counted: int) -> Decimal:
        """A count of the rows, for all calls of the period."""
        return counted * Decimal(max(self.total, self.rows)) / self.rows if self.rows else Decimal(0)

    def a_day(self, counted: int) -> Decimal:
        return self.of_period(counted) / self.days

    def cost(self, rate_per_min: Decimal) -> Decimal:
        """USD for all recordings of the period."""
        return total([self.of_period(self.whole.minutes) * rate_per_min])
