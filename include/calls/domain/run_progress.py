"""How far a run has come, in counts."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Progress:
    """Recordings of a run by outcome; `minutes` of recognised audio, `spent` in USD by this run.

    `recordings` excludes calls that have no recording. `reused` are texts that an earlier run bought.
    """

    recordings: int
    completed: int
    reused: int
    missing: int
    errors: int
    minutes: Decimal
    spent: Decimal
