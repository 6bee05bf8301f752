"""What resetting a period does with each of its recordings."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class ResetOutcome(StrEnum):
    """Why a recording is left alone, or that it is reset."""

    RESET = "reset"  # work on it begins anew: its text is bought again
    UNFINISHED = "unfinished"  # the next run works on it anyway
    SHARED = "shared"  # shows the text of another recording with the same bytes, and follows it
    AT_WORK = "at_work"  # a run that has not ended works on it, or is going to
    HELD = "held"  # a person has put it on hold
    TEXT_ENDED = "text_ended"  # its retention period is over: it is never bought again
    WITHOUT_AUDIO = "without_audio"  # its audio is gone: a text that exists would be lost for nothing


@dataclass(frozen=True, slots=True)
class ResetFigures:
    """Recordings with one outcome; `minutes` as they are billed, `paid` in USD for their present texts."""

    outcome: ResetOutcome
    recordings: int
    minutes: int
    texts: int
    summaries: int
    paid: Decimal
