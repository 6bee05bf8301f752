"""The question to the person who decides whether a run may spend more than its budget."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from include.calls.domain.report_figures import Estimate, ReportSettings
from include.calls.reporting.estimate import hours_needed
from include.calls.reporting.markdown import render
from include.calls.wording import approval as words
from include.common import russian_format as ru
from include.common.budget import PlannedSpending
from include.common.money import in_roubles


@dataclass(frozen=True, slots=True)
class Question:
    """What Airflow shows: a headline and Markdown. `cost` is what an approval lets the run spend in all, USD."""

    subject: str
    body: str
    cost: Decimal
    forecast: Decimal
    budget: Decimal


def approval_question(
    estimate: Estimate, settings: ReportSettings, planned: PlannedSpending, *, until: datetime
) -> Question:
    """`until` (UTC) is when a missing decision becomes a refusal."""
    cost, run = planned.sum_to_approve, estimate.run
    spent = planned.spending.spent
    seconds = hours_needed(estimate, settings.seconds_per_minute, settings.slots) * 3600
    body = render(
        "approval.md.j2",
        rows=[
            [words.PERIOD, f"{ru.day(run.period_from.date())} — {ru.day(run.period_to.date())}"],
            [words.RECORDINGS, ru.number(estimate.to_buy)],
            [words.MINUTES, ru.number(estimate.billed_minutes)],
            [words.FORECAST, _both(planned.forecast, settings)],
            *([[words.SPENT, _both(spent, settings)]] if spent else []),
            [words.BUDGET, _both(planned.budget.usd, settings)],
            [words.CEILING, _both(planned.ceiling, settings)],
            [words.TIME, ru.hours(seconds)],
        ],
        cost=_both(cost, settings),
        reserve=ru.percent(planned.budget.reserve, 0),
        spent=bool(spent),
        until=ru.named_moment(until, settings.zone),
        run_id=str(run.run_id),
    )
    return Question(words.subject(cost, planned.budget.usd), body, cost, planned.forecast, planned.budget.usd)


def _both(usd: Decimal, settings: ReportSettings) -> str:
    return f"{ru.number(usd, 2)} USD, {ru.roubles(in_roubles(usd, settings.usd_rub_rate))}"
