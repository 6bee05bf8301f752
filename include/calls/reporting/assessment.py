"""Which goals the run met: the numbers the product owner promised, against what came out."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from include.calls.domain.report_figures import ReportSettings, RunFacts, RunFigures, duration_drift, every_call_listed
from include.calls.domain.run_verdict import Verdict, judge_run
from include.calls.domain.states import RunStatus
from include.common.russian_format import hours, number, percent

Outcome = Literal["met", "missed", "unknown"]


@dataclass(frozen=True, slots=True)
class Goal:
    """`required` goals decide whether the export is accepted; the others are remarks."""

    name: str
    norm: str
    fact: str
    outcome: Outcome
    required: bool


@dataclass(frozen=True, slots=True)
class Assessment:
    verdict: Verdict
    goals: tuple[Goal, ...]

    @property
    def level(self) -> Literal["good", "remarks", "bad"]:
        missed = any(goal.required and goal.outcome == "missed" for goal in self.goals)
        if missed or self.verdict.status is RunStatus.ERROR:
            return "bad"
        return "good" if all(goal.outcome == "met" for goal in self.goals) else "remarks"


def assess(figures: RunFigures, settings: ReportSettings) -> Assessment:
    """The same verdict that closes the run, which is closed after its report is written."""
    verdict = judge_run(
        figures.statuses,
        min_coverage=settings.min_coverage,
        max_error_share=settings.max_error_share,
        stop=figures.run.stop,
        refused=figures.run.refused,
        failed_step=figures.run.failed_step,
        dry_run=figures.run.dry_run,
    )
    goals = (*_completeness(figures, settings, verdict), *_resources(figures, settings))
    return Assessment(verdict, goals)


def elapsed_seconds(run: RunFacts) -> float | None:
    """From the start to the end, or to the last event where the end is not written yet; without idle times."""
    until = run.finished_at or run.last_event_at
    return (until - run.started_at).total_seconds() - run.idle_sec if run.started_at and until else None


def over_forecast(figures: RunFigures) -> Decimal | None:
    """By what fraction the spending exceeds the forecast; None without a forecast or where nothing was to be bought."""
    forecast = figures.run.forecast_cost
    return figures.totals.spent / forecast - 1 if forecast else None


def _completeness(figures: RunFigures, settings: ReportSettings, verdict: Verdict) -> tuple[Goal, ...]:
    drift = duration_drift(figures.totals)
    listed = every_call_listed(figures.run, figures.totals.calls)
    total, forecast_only = figures.run.portal_total, figures.run.dry_run
    return (
        Goal(
            "Покрытие: записи, у которых есть текст",
            f"≥ {percent(settings.min_coverage, 0)}",
            "только прогноз" if forecast_only else percent(verdict.coverage),
            _outcome(None if forecast_only else verdict.coverage >= settings.min_coverage),
            required=True,
        ),
        Goal(
            "Записи, закончившиеся ошибкой",
            f"≤ {percent(settings.max_error_share, 0)}",
            "только прогноз" if forecast_only else percent(verdict.error_share),
            _outcome(None if forecast_only else verdict.error_share <= settings.max_error_share),
            required=True,
        ),
        Goal(
            "Все строки статистики портала учтены",
            number(total) if total is not None else "итог портала",
            number(figures.run.listed(figures.totals.calls)),
            _outcome(listed),
            required=True,
        ),
        Goal(
            "Один разговор не оплачен дважды",
            "0 повторов",
            number(figures.totals.duplicates),
            _outcome(figures.totals.duplicates == 0),
            required=False,
        ),
        Goal(
            "Расхождение длительности с порталом",
            f"≤ {percent(settings.max_duration_drift, 1)}",
            percent(drift) if drift is not None else "нет данных",
            _outcome(None if drift is None else drift <= settings.max_duration_drift),
            required=False,
        ),
    )


def _resources(figures: RunFigures, settings: ReportSettings) -> tuple[Goal, ...]:
    seconds, over = elapsed_seconds(figures.run), over_forecast(figures)
    nothing_to_buy = not figures.run.forecast_cost and not figures.totals.spent
    return (
        Goal(
            "Расход к прогнозу",
            f"не выше +{percent(settings.over_forecast_share, 0)}",
            f"{'+' if over > 0 else ''}{percent(over, 1)}" if over is not None else "прогноза нет",
            "met" if nothing_to_buy else _outcome(None if over is None else over <= settings.over_forecast_share),
            required=False,
        ),
        Goal(
            "Время выгрузки",
            f"≤ {number(settings.sla_hours)} ч",
            hours(seconds) if seconds is not None else "нет данных",
            _outcome(None if seconds is None else seconds <= settings.sla_hours * 3600),
            required=False,
        ),
    )


def _outcome(met: bool | None) -> Outcome:
    return "unknown" if met is None else "met" if met else "missed"
