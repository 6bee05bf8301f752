"""Is a finished run good enough (D16)? One rule for the run's status, the report and the alerts."""

from collections.abc import Mapping
from dataclasses import dataclass

from include.domain.states import UNFINISHED, RecordStatus, RunStatus


@dataclass(frozen=True, slots=True)
class Verdict:
    """`coverage` and `error_share` are fractions of the recordings that exist; `sentence` says why, in Russian."""

    status: RunStatus
    coverage: float
    error_share: float
    sentence: str


def judge(counts: Mapping[RecordStatus, int], *, min_coverage: float, max_error_share: float) -> Verdict:
    """A recording whose link is dead for good does not exist any more (D17), so it weighs on neither share (D9)."""
    completed = counts.get(RecordStatus.COMPLETED, 0)
    errors = counts.get(RecordStatus.ERROR, 0)
    unfinished = sum(counts.get(status, 0) for status in UNFINISHED)
    existing = completed + errors + unfinished
    coverage = completed / existing if existing else 1.0
    error_share = errors / existing if existing else 0.0
    good = coverage >= min_coverage and error_share <= max_error_share
    sentence = (
        f"тексты есть у {completed} из {existing} существующих записей ({coverage:.1%}), "
        f"ошибок {errors} ({error_share:.1%}), не закончено {unfinished}"
    )
    return Verdict(RunStatus.COMPLETED if good else RunStatus.ERROR, coverage, error_share, sentence)
