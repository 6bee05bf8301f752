"""How bad a run may be and still be good: shares of what this run itself has tried.

Coverage and errors (`run_verdict.py`) are judged over the recordings that exist. A night in which the portal gives no
audio at all, sends rows that cannot be read, or gets empty texts from the recogniser changes neither of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Bar(StrEnum):
    """The name of a bar; also a label of the metrics."""

    NEWLY_MISSING = "newly_missing"  # audio that the portal did not give and that was never missing before
    UNREADABLE_ROWS = "unreadable_rows"  # rows of the statistics that could not be read, or only in part
    EMPTY_TEXTS = "empty_texts"  # texts without a word although speech was heard
    MUCH_NOT_SENT = "much_not_sent"  # texts of recordings whose sound was mostly not sent to the recogniser
    FLAGGED_TEXTS = "flagged_texts"  # texts that a person should check, for whatever reason


@dataclass(frozen=True, slots=True)
class Tried:
    """What one run has tried, as it stands now. `audio` are recordings it asked for, `texts` those it bought."""

    audio: int = 0
    newly_missing: int = 0
    rows: int = 0
    unreadable_rows: int = 0
    texts: int = 0
    empty_texts: int = 0
    much_not_sent: int = 0
    flagged_texts: int = 0

    def of(self, bar: Bar) -> int:
        """How many were tried that the bar's cases are a share of."""
        match bar:
            case Bar.NEWLY_MISSING:
                return self.audio
            case Bar.UNREADABLE_ROWS:
                return self.rows
            case _:
                return self.texts

    def cases(self, bar: Bar) -> int:
        return int(getattr(self, bar))


NOTHING_TRIED = Tried()


@dataclass(frozen=True, slots=True)
class Bars:
    """`most` is the share that each bar accepts. Fewer than `min_cases` cases exceed no bar."""

    min_cases: int
    most: Mapping[Bar, float]


@dataclass(frozen=True, slots=True)
class BarResult:
    """`cases` of `tried` for one bar; `share` is None where nothing was tried."""

    bar: Bar
    cases: int
    tried: int
    most: float
    exceeded: bool

    @property
    def share(self) -> float | None:
        return self.cases / self.tried if self.tried else None


def measure(tried: Tried, bars: Bars, *, existing: int) -> tuple[BarResult, ...]:
    """Every bar, in the order of `Bar`. `existing` recordings of the run exist.

    Where none exists, a single recording that is newly missing is too much: the run has nothing to show.
    """
    return tuple(_result(bar, tried, bars, nothing_left=not existing) for bar in Bar)


def _result(bar: Bar, tried: Tried, bars: Bars, *, nothing_left: bool) -> BarResult:
    cases, of, most = tried.cases(bar), tried.of(bar), bars.most[bar]
    enough = cases >= bars.min_cases or (bar is Bar.NEWLY_MISSING and nothing_left and cases > 0)
    return BarResult(bar, cases, of, most, exceeded=enough and cases > most * of)
