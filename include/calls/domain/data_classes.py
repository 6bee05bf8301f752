"""When each class of data ends. Audio and texts go by the day of the call, files of a period by their own day (UTC)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Self

from include.common.periods import Period


class DataClass(StrEnum):
    """In the order in which a night ends them; each has its days in `retention_days` of `policy.yaml`."""

    AUDIO = "audio"
    RECOGNITION = "recognition"
    TEXTS = "texts"  # and summaries, tags, previews, comments of analysts, in the database too
    DELIVERED = "delivered"
    REPORTS = "reports"
    REGISTRY = "registry"
    RUN_LOGS = "run_logs"  # and the reports of retention itself
    EVENTS = "events"
    AUDIT = "audit"
    ROWS = "rows"  # numbers, names and ids; figures stay


OF_CALLS = (DataClass.AUDIO, DataClass.RECOGNITION, DataClass.TEXTS)
OF_FILES = (DataClass.DELIVERED, DataClass.REPORTS, DataClass.REGISTRY, DataClass.RUN_LOGS)

RETENTION_REPORTS = "retention/"
_EXPORTS = "exports/"
_COPIES = frozenset({"transcripts", "summary", "raw"})
_CLASSES_IN_A_FOLDER = {
    **dict.fromkeys(_COPIES, DataClass.DELIVERED),
    "reports": DataClass.REPORTS,
    "registry": DataClass.REGISTRY,
    "logs": DataClass.RUN_LOGS,
}


@dataclass(frozen=True, slots=True)
class Ends:
    """For each class the instant before which calls or files are past their period.

    What belongs to a day is kept for that many whole days after it: audio of 1 August with 90 days goes in the night
    that begins 31 October.
    """

    before: Mapping[DataClass, datetime]

    @classmethod
    def of(cls, days: Mapping[str, int], today: date) -> Self:
        midnight = datetime.combine(today, time(), UTC)
        return cls({each: midnight - timedelta(days=days[each]) for each in DataClass})

    def __getitem__(self, data: DataClass) -> datetime:
        return self.before[data]


@dataclass(frozen=True, slots=True)
class PeriodFile:
    """A file in the folder of a period; `days` is the period.

    `copy_of`: the name, without its extension, of the recording's file that it is a copy of; `is_audio`: of the audio.
    """

    data: DataClass
    folder: str
    days: Period
    copy_of: str | None
    is_audio: bool

    @classmethod
    def of(cls, key: str) -> Self | None:
        """None for a key that is in no period's folder, or in a subfolder that is not ours."""
        parts = key.split("/")
        if len(parts) < 4 or f"{parts[0]}/" != _EXPORTS or parts[2] not in _CLASSES_IN_A_FOLDER:
            return None
        days = _days_of(parts[1])
        if days is None:
            return None
        copy_of = parts[-1].rpartition(".")[0] if parts[2] in _COPIES else None
        return cls(_CLASSES_IN_A_FOLDER[parts[2]], parts[1], days, copy_of, parts[2] == "raw")


def _days_of(folder: str) -> Period | None:
    try:
        first, last = (date.fromisoformat(day) for day in folder.split("_"))
    except ValueError:
        return None
    return Period(datetime.combine(first, time(), UTC), datetime.combine(last, time(23, 59, 59), UTC))


@dataclass(slots=True)
class Tally:
    """What has ended of one class, or would end: `rows` are recordings or events, `held` stay because of a hold."""

    rows: int = 0
    files: int = 0
    size: int = 0
    held: int = 0


@dataclass(slots=True)
class Expired:
    """What one night has done. `busy` removals wait because a task works on the call; `refused` counts the files that
    were not removed, by the reason. `locked_days` and `expiring_days` are rules of the storage against the periods.
    """

    dry_run: bool
    began_at: datetime
    tallies: dict[DataClass, Tally] = field(default_factory=lambda: {each: Tally() for each in DataClass})
    busy: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    months_left: int = 0
    locked_days: int | None = None
    expiring_days: int | None = None
    rules_unknown: bool = False


def retention_report_key(at: datetime, *, dry_run: bool) -> str:
    """The report of one night; `at` is when it began, with an offset."""
    kind = "_dry_run" if dry_run else ""
    return f"{RETENTION_REPORTS}retention_{at.astimezone(UTC):%Y%m%dT%H%M%SZ}{kind}.md"
