"""The forecast says what will be bought and whether it fits the budget and the time."""

from dataclasses import replace
from decimal import Decimal

import pytest

from include.calls.domain.report_figures import Estimate
from include.calls.reporting.estimate import hours_needed, render_estimate, slots_needed
from include.common.budget import Budget, PlannedSpending, Spending
from tests.unit.calls.reporting.report_samples import RUN, SETTINGS

ESTIMATE = Estimate(
    run=RUN,
    calls=7000,
    recordings=6000,
    reused=300,
    to_buy=5700,
    minutes=Decimal("9000"),
    billed_minutes=9400,
    cost=Decimal("42.3"),
)


def test_hours_and_slots_of_the_forecast():
    """9,000 minutes in 6 hours need 24 seconds a minute, or 13 slots at 30."""
    assert hours_needed(ESTIMATE, 24, 10) == 6.0
    assert hours_needed(ESTIMATE, 30, 10) == 7.5
    assert slots_needed(ESTIMATE, 24, 6) == 10
    assert slots_needed(ESTIMATE, 30, 6) == 13


def planned(cost, spent="0", approved=None):
    spending = Spending(Decimal(spent), Decimal(0), Decimal(approved) if approved else None)
    budget = Budget(SETTINGS.budget_usd, SETTINGS.over_forecast_share, Decimal("0.05"))
    return PlannedSpending(Decimal(cost), spending, budget)


def estimated(cost, **money):
    return render_estimate(ESTIMATE, SETTINGS, planned(cost, **money))


def test_the_forecast_names_calls_minutes_money_and_time():
    text = estimated("42.3")
    assert "**Прогноз в пределах бюджета: согласование не нужно.**" in text
    assert "| Записей к распознаванию | 5 700 |" in text
    assert "| Минут к оплате (вверх на каждый звонок) | 9 400 |" in text
    assert "| Прогноз | 42,3000 | 4 230,00 |" in text
    assert "| Бюджет запуска | 54,0000 | 5 400,00 |" in text
    assert "| Можно потратить без вопроса | 64,8000 | 6 480,00 |" in text
    assert "| 30 с на минуту | 7 ч 30 мин | 13 |" in text


@pytest.mark.parametrize(
    ("cost", "words"),
    [("54", "в пределах бюджета"), ("64.8", "в пределах допуска"), ("64.81", "запуск остановился и спрашивает")],
)
def test_the_verdict_on_money(cost, words):
    """Only a forecast more than a fifth above the budget waits for approval."""
    assert words in estimated(cost)


def test_a_dry_run_says_what_the_real_one_would_ask():
    dry = replace(ESTIMATE, run=replace(RUN, dry_run=True))
    assert "без dry_run запуск остановится и спросит" in render_estimate(dry, SETTINGS, planned("100"))


def test_a_resumed_run_shows_its_spending_and_approval():
    text = estimated("30", spent="60", approved="94.5")
    assert "**Прогноз в пределах согласованной суммы.**" in text
    assert "| Прогноз | 30,0000 | 3 000,00 |" in text
    assert "| Уже потрачено этим запуском | 60,0000 | 6 000,00 |" in text
    assert "| Согласовано человеком | 94,5000 | 9 450,00 |" in text
    assert "| Можно потратить без вопроса | 94,5000 | 9 450,00 |" in text


def test_too_slow_for_the_deadline_is_said_before_the_run():
    text = render_estimate(ESTIMATE, replace(SETTINGS, seconds_per_minute=30.0), planned("42.3"))
    assert "TRANSCRIBE_CONCURRENCY не меньше 13" in text.replace("\\", "")


def test_nothing_to_buy_is_said_so():
    nothing = replace(ESTIMATE, to_buy=0, minutes=Decimal(0), billed_minutes=0, cost=Decimal(0))
    assert "Покупать нечего" in render_estimate(nothing, SETTINGS, planned("0"))
