"""Decides whether a run is good enough. The run's status, the report and the alerts use this one rule.

The result is structured: `include/calls/wording/notes.py` has the Russian sentence, `Verdict.in_english` the line for
logs and exceptions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from include.calls.domain.run_bars import NOTHING_TRIED, BarResult, Bars, Tried, measure
from include.calls.domain.states import UNFINISHED, RecordStatus, RunStatus


class Cause(StrEnum):
    """What decided the verdict where the counts did not."""

    STOPPED = "stopped"  # a failure that would repeat for every call
    STEP_FAILED = "step_failed"  # a task that every call depends on
    REFUSED = "refused"  # a person refused the cost, or no decision came in time
    ABANDONED = "abandoned"  # Airflow has ended or forgotten its DAG run before the run was done
    FORECAST_ONLY = "forecast_only"  # a dry run


@dataclass(frozen=True, slots=True)
class Verdict:
    """`existing` counts recordings that exist: completed, in error, unfinished.

    `detail` belongs to `cause`: the operator's sentence of the stop or the refusal, the id of the failed task or of the
    DAG run. `bars` are the shares of what the run itself has tried.
    """

    status: RunStatus
    completed: int
    errors: int
    unfinished: int
    cause: Cause | None = None
    detail: str = ""
    bars: tuple[BarResult, ...] = ()

    @property
    def existing(self) -> int:
        return self.completed + self.errors + self.unfinished

    @property
    def coverage(self) -> float | None:
        """The share of existing recordings that have a text; None where no recording exists."""
        return self.completed / self.existing if self.existing else None

    @property
    def error_share(self) -> float:
        return self.errors / self.existing if self.existing else 0.0

    @property
    def exceeded(self) -> tuple[BarResult, ...]:
        return tuple(found for found in self.bars if found.exceeded)

    @property
    def in_english(self) -> str:
        """For logs and exceptions. The text of a stop or a refusal is left out: it is in the operator's language."""
        cause = {
            Cause.STOPPED: "the run was stopped; ",
            Cause.STEP_FAILED: f"the task {self.detail} failed; ",
            Cause.REFUSED: "its cost was not approved; ",
            Cause.ABANDONED: f"Airflow has given up the DAG run {self.detail}; ",
            Cause.FORECAST_ONLY: "forecast only; ",
            None: "",
        }[self.cause]
        coverage = "coverage unknown" if self.coverage is None else f"{self.coverage:.1%}"
        above = "".join(
            f"; {found.bar} {found.cases} of {found.tried}, at most {found.most:.1%}" for found in self.exceeded
        )
        return (
            f"{cause}{self.completed} of {self.existing} existing recordings have a text ({coverage}), "
            f"{self.errors} in error ({self.error_share:.1%}), {self.unfinished} unfinished{above}"
        )


def judge(
    counts: Mapping[RecordStatus, int],
    *,
    min_coverage: float,
    max_error_share: float,
    bars: Bars,
    tried: Tried = NOTHING_TRIED,
) -> Verdict:
    """The verdict by counts alone.

    A recording that the portal has lost does not exist and weighs on neither share; that many are lost at once weighs
    on the bar of newly missing audio.
    """
    found = Verdict(
        RunStatus.COMPLETED,
        completed=counts.get(RecordStatus.COMPLETED, 0),
        errors=counts.get(RecordStatus.ERROR, 0),
        unfinished=sum(counts.get(status, 0) for status in UNFINISHED),
    )
    found = replace(found, bars=measure(tried, bars, existing=found.existing))
    covered = found.coverage is None or found.coverage >= min_coverage
    good = covered and found.error_share <= max_error_share and not found.exceeded
    return found if good else replace(found, status=RunStatus.ERROR)


def judge_run(
    counts: Mapping[RecordStatus, int],
    *,
    min_coverage: float,
    max_error_share: float,
    bars: Bars,
    tried: Tried,
    stop: str | None,
    refused: str | None,
    failed_step: str | None,
    dry_run: bool,
    abandoned: str | None = None,
    planned: bool = True,
) -> Verdict:
    """The verdict over a whole run.

    `stop` and `refused` are the operator's sentences that the run keeps: why it was stopped, who refused its cost.
    `failed_step` is a task that every call depends on and that failed: the rows are then incomplete, so the run is in
    error. `abandoned` is the DAG run if Airflow has ended or forgotten it while the run was open: the run is in error
    if it was not `planned` or has unfinished recordings.
    """
    verdict = judge(counts, min_coverage=min_coverage, max_error_share=max_error_share, bars=bars, tried=tried)
    if stop:
        return replace(verdict, status=RunStatus.ERROR, cause=Cause.STOPPED, detail=stop)
    if failed_step:
        return replace(verdict, status=RunStatus.ERROR, cause=Cause.STEP_FAILED, detail=failed_step)
    if refused:
        return replace(verdict, status=RunStatus.CANCELLED, cause=Cause.REFUSED, detail=refused)
    if abandoned and (not planned or (verdict.unfinished and not dry_run)):
        return replace(verdict, status=RunStatus.ERROR, cause=Cause.ABANDONED, detail=abandoned)
    if dry_run:
        return replace(verdict, status=RunStatus.COMPLETED, cause=Cause.FORECAST_ONLY)
    return verdict
