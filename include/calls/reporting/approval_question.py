"""The question to a person whose answer decides whether a run may spend more than its budget (D26)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from include.calls.domain.budget import PlannedSpending
from include.calls.domain.report_figures import Estimate, ReportSettings
from include.calls.reporting.estimate import hours_needed
from include.calls.reporting.markdown import render
from include.common import russian_format as ru
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
    """`until` (UTC) is when no answer becomes a refusal."""
    cost, run = planned.sum_to_approve, estimate.run
    spent = planned.spending.spent
    body = render(
        "approval.md.j2",
        rows=[
            ["Период", f"{ru.day(run.period_from.date())} — {ru.day(run.period_to.date())}"],
            ["Записей к распознаванию", ru.number(estimate.to_buy)],
            ["Минут к оплате", ru.number(estimate.billed_minutes)],
            ["Прогноз", _both(planned.forecast, settings)],
            *([["Уже потрачено этим запуском", _both(spent, settings)]] if spent else []),
            ["Бюджет запуска", _both(planned.budget.usd, settings)],
            ["Можно потратить без вопроса", _both(planned.ceiling, settings)],
            [
                "Время распознавания",
                ru.hours(hours_needed(estimate, settings.seconds_per_minute, settings.lines) * 3600),
            ],
        ],
        cost=_both(cost, settings),
        reserve=ru.percent(planned.budget.reserve, 0),
        spent=bool(spent),
        until=ru.utc_moment(until),
        run_id=str(run.run_id),
    )
    subject = f"Потратить до {ru.number(cost, 2)} USD? Бюджет {ru.number(planned.budget.usd, 2)} USD"
    return Question(subject, body, cost, planned.forecast, planned.budget.usd)


def _both(usd: Decimal, settings: ReportSettings) -> str:
    return f"{ru.number(usd, 2)} USD, {ru.roubles(in_roubles(usd, settings.usd_rub_rate))}"
