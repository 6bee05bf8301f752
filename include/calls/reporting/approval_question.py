"""The question to a person whose answer decides whether a run may spend more than its budget (D26)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from include.calls.domain.budget import PlannedSpending
from include.calls.domain.report_figures import Estimate, ReportSettings
from include.calls.reporting import wording as w
from include.calls.reporting.estimate import hours_needed
from include.calls.reporting.markdown import render
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
            ["Период", f"{w.day(run.period_from.date())} — {w.day(run.period_to.date())}"],
            ["Записей к распознаванию", w.number(estimate.to_buy)],
            ["Минут к оплате", w.number(estimate.billed_minutes)],
            ["Прогноз", _both(planned.forecast, settings)],
            *([["Уже потрачено этим запуском", _both(spent, settings)]] if spent else []),
            ["Бюджет запуска", _both(planned.budget.usd, settings)],
            ["Можно потратить без вопроса", _both(planned.ceiling, settings)],
            [
                "Время распознавания",
                w.hours(hours_needed(estimate, settings.seconds_per_minute, settings.lines) * 3600),
            ],
        ],
        cost=_both(cost, settings),
        reserve=w.percent(planned.budget.reserve, 0),
        spent=bool(spent),
        until=w.utc_moment(until),
        run_id=str(run.run_id),
    )
    subject = f"Потратить до {w.number(cost, 2)} USD? Бюджет {w.number(planned.budget.usd, 2)} USD"
    return Question(subject, body, cost, planned.forecast, planned.budget.usd)


def _both(usd: Decimal, settings: ReportSettings) -> str:
    return f"{w.number(usd, 2)} USD, {w.roubles(in_roubles(usd, settings.usd_rub_rate))}"
