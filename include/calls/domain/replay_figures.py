"""Another engine beside the texts that are there: differences in words, speed, price. Money is USD."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Wanted:
    """A recording whose text can be compared. `paid`: what the engine has cost on it so far."""

    recording_id: int
    portal_id: int
    call_id: str
    audio_sec: Decimal
    heard: bool
    adopted: bool
    paid: Decimal


@dataclass(frozen=True, slots=True)
class Heard:
    """What an engine heard of a recording, beside the text `against`.

    `words` are those of that text. `seconds`: the engine's responses; `text_seconds`: the whole task that made the
    text, None if the history does not know. `current`: the text is still the recording's.
    """

    recording_id: int
    call_id: str
    record_id: str
    call_started_at: datetime
    utc_offset_sec: int
    transcript_path: str
    path: str
    audio_sec: Decimal
    seconds: float
    words: int
    substitutions: int
    deletions: int
    insertions: int
    against: int
    adopted_at: datetime | None
    model: str
    current: bool
    cost: Decimal
    text_cost: Decimal
    text_seconds: float | None

    @property
    def different(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def difference(self) -> float:
        """A share of the text's words; of a text without words every word that the engine heard counts as one."""
        return self.different / self.words if self.words else float(self.different > 0)


@dataclass(frozen=True, slots=True)
class Sums:
    """All recordings together: a share is that of the sums, never a mean of the recordings' shares."""

    recordings: int
    minutes: float
    words: int
    substitutions: int
    deletions: int
    insertions: int
    equal: int
    seconds_per_minute: float | None
    text_seconds_per_minute: float | None
    cost: Decimal
    text_cost: Decimal

    @property
    def difference(self) -> float | None:
        different = self.substitutions + self.deletions + self.insertions
        return different / self.words if self.words else None


def sums_of(heard: Iterable[Heard]) -> Sums:
    rows = list(heard)
    timed = [row for row in rows if row.text_seconds is not None]
    return Sums(
        recordings=len(rows),
        minutes=_minutes(rows),
        words=sum(row.words for row in rows),
        substitutions=sum(row.substitutions for row in rows),
        deletions=sum(row.deletions for row in rows),
        insertions=sum(row.insertions for row in rows),
        equal=sum(not row.different for row in rows),
        seconds_per_minute=_per_minute(sum(row.seconds for row in rows), rows),
        text_seconds_per_minute=_per_minute(sum(row.text_seconds or 0.0 for row in timed), timed),
        cost=sum((row.cost for row in rows), Decimal(0)),
        text_cost=sum((row.text_cost for row in rows), Decimal(0)),
    )


def worst(heard: Iterable[Heard], most: int) -> list[Heard]:
    """Those that differ, the greatest share first; of equal shares the one with more different words."""
    different = [row for row in heard if row.different]
    return sorted(different, key=lambda row: (-row.difference, -row.different, row.recording_id))[:most]


def _minutes(rows: Iterable[Heard]) -> float:
    return float(sum(row.audio_sec for row in rows)) / _MINUTE


def _per_minute(seconds: float, rows: list[Heard]) -> float | None:
    minutes = _minutes(rows)
    return seconds / minutes if minutes else None
