"""Is a run good enough (D16)? One rule for the run's status, the report and the alerts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from include.calls.domain.states import UNFINISHED, RecordStatus, RunStatus


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


def judge_run(
    counts: Mapping[RecordStatus, int],
    *,
    min_coverage: float,
    max_error_share: float,
    stop: str | None,
    refused: str | None,
    failed_step: str | None,
    dry_run: bool,
) -> Verdict:
    """The verdict over a whole run.

    `stop` is why it was stopped, `refused` who said no to what it was going to cost. `failed_step` names a task that
    every call depends on and that did not end well: then the rows cannot be trusted to be all there is, so the run is
    in error whatever they say.
    """
    verdict = judge(counts, min_coverage=min_coverage, max_error_share=max_error_share)
    if stop or failed_step:
        reason = f"остановлен: {stop}" if stop else f"не выполнен шаг {failed_step}"
        return replace(verdict, status=RunStatus.ERROR, sentence=f"{reason}; {verdict.sentence}")
    if refused:
        return replace(verdict, status=RunStatus.CANCELLED, sentence=f"{refused}; {verdict.sentence}")
    if dry_run:
        return Verdict(RunStatus.COMPLETED, 0.0, 0.0, "прогноз готов, ничего не скачано и не потрачено")
    return verdict
