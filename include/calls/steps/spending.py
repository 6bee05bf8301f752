"""A run's money: what is left to buy, what it may spend, and the stop where that is spent (D26)."""

from decimal import Decimal
from uuid import UUID

from include.calls.domain.budget import Budget, PlannedSpending
from include.calls.policy import Policy
from include.calls.state.rows import Run
from include.calls.state.state import State
from include.calls.steps.summary_costs import summary_forecast
from include.common.errors import BudgetSpent
from include.speech.stt_profiles import profile_of


def rate_per_minute(policy: Policy) -> Decimal:
    """USD: the setting's, else the model's public tariff (D25)."""
    rate = policy.stt.rate_per_min_usd  # 0 is a server of one's own
    return profile_of(policy.stt.model).rate_per_min_usd if rate is None else rate


def fallback_rate_per_minute(policy: Policy) -> Decimal:
    """USD, for what the fallback model hears again: the setting's, else its public tariff."""
    rate = policy.stt.fallback_rate_per_min_usd
    return profile_of(policy.stt.fallback_model).rate_per_min_usd if rate is None else rate


def budget_of(policy: Policy) -> Budget:
    money = policy.money
    return Budget(money.budget_usd, money.approval_over_share, money.approved_reserve_share)


def planned_spending(run: Run, state: State, policy: Policy) -> PlannedSpending:
    """What the run is going to buy from now on, recognition and summaries, against what it may spend."""
    rate = rate_per_minute(policy)
    forecast = state.to_buy(run.run_id).minutes * rate
    if run.generate_summary and policy.summary.enabled:
        texts, minutes = state.summaries_wanted(run.run_id)
        forecast += summary_forecast(policy, minutes, texts)
    return PlannedSpending(forecast, state.spending(run.run_id, rate), budget_of(policy))


def refuse_if_spent(run_id: UUID, state: State, policy: Policy) -> None:
    """Asked before each recording and summary. Raises BudgetSpent where the run has reached what it may spend.

    Recordings in work count as bought, and each of them is finished and kept. So lines side by side may pass the sum
    by what they ask about in the same moment and then start: at most one recording per line.
    """
    spending = state.spending(run_id, rate_per_minute(policy))
    ceiling = budget_of(policy).ceiling(spending.approved)
    if spending.committed < ceiling:
        return
    source = "its approved sum" if ceiling == spending.approved else "BUDGET_USD and approval_over_share"
    raise BudgetSpent(
        f"the budget is spent: {spending.spent:.4f} USD paid and {spending.in_hand:.4f} in work, of {ceiling:.4f} that "
        f"this run may spend ({source}). What was bought is kept. To buy the rest: make resume RUN_ID={run_id}, it "
        "forecasts what is left and asks a person"
    )
