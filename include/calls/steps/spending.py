"""A run's money: what is left to buy, what it may spend, and the stop once that is spent. USD."""

from decimal import Decimal
from uuid import UUID

from include.calls.policy import MoneyPolicy, Policy, SttPolicy, SummaryPolicy
from include.calls.state.state import State
from include.calls.state.types import Run
from include.common.budget import Budget, PlannedSpending
from include.common.errors import BudgetSpent
from include.common.token_tariffs import TokenTariff, tariff_of, tokens_of
from include.speech.model_profiles import profile_of

# Averages of Russian telephone talk and of our own prompt: a forecast, never a bill.
_CHARACTERS_PER_MINUTE = 850  # of transcript with its time codes, both sides together
_TOKENS_ASKED = 1_300  # instructions and schema, once per call
_TOKENS_ANSWERED = 900  # the summary itself and what the model thinks


def rate_per_minute(stt: SttPolicy) -> Decimal:
    """The rate of the settings, else the model's public tariff."""
    rate = stt.rate_per_min_usd  # 0 for a recogniser of one's own
    return profile_of(stt.model).rate_per_min_usd if rate is None else rate


def fallback_rate_per_minute(stt: SttPolicy) -> Decimal:
    """The same for the fallback model."""
    rate = stt.fallback_rate_per_min_usd
    return profile_of(stt.fallback_model).rate_per_min_usd if rate is None else rate


def summary_tariff(summary: SummaryPolicy, model: str) -> TokenTariff:
    """The tariff of the settings, else the public tariff of `model`."""
    public = tariff_of(model)
    return TokenTariff(
        public.input_usd if summary.input_usd_per_million is None else summary.input_usd_per_million,
        public.output_usd if summary.output_usd_per_million is None else summary.output_usd_per_million,
    )


def summary_forecast(summary: SummaryPolicy, minutes: Decimal | float, recordings: int) -> Decimal:
    """For summaries of so many recordings with so many minutes of audio in all."""
    heard = tokens_of(round(float(minutes) * _CHARACTERS_PER_MINUTE))
    tariff = summary_tariff(summary, summary.model)
    return tariff.cost(recordings * _TOKENS_ASKED + heard, recordings * _TOKENS_ANSWERED)


def budget_of(money: MoneyPolicy) -> Budget:
    return Budget(money.budget_usd, money.approval_over_share, money.approved_reserve_share)


def planned_spending(run: Run, state: State, policy: Policy) -> PlannedSpending:
    """What the run will buy from now on, recognition and summaries, compared with what it may spend."""
    rate = rate_per_minute(policy.stt)
    forecast = state.work.to_buy(run).minutes * rate
    if run.generate_summary and policy.summary.enabled:
        texts, minutes = state.work.summaries_wanted(run.run_id)
        forecast += summary_forecast(policy.summary, minutes, texts)
    return PlannedSpending(forecast, state.charges.spending(run.run_id, rate), budget_of(policy.money))


def refuse_if_spent(run_id: UUID, state: State, stt: SttPolicy, money: MoneyPolicy) -> None:
    """Asked before each recording and summary. Raises BudgetSpent if the run has reached what it may spend.

    Recordings in work count at their expected cost, and each of them is finished and kept. Tasks that ask at the same
    moment may together exceed the sum by at most one recording each.
    """
    spending = state.charges.spending(run_id, rate_per_minute(stt))
    ceiling = budget_of(money).ceiling(spending.approved)
    if spending.committed < ceiling:
        return
    source = "its approved sum" if ceiling == spending.approved else "BUDGET_USD and approval_over_share"
    raise BudgetSpent(
        f"the budget is spent: {spending.spent:.4f} USD paid and {spending.in_progress:.4f} in work, of {ceiling:.4f} "
        f"that this run may spend ({source}). What was bought is kept. To buy the rest: make resume RUN_ID={run_id}, "
        "it forecasts what is left and asks a person",
        problem="budget_spent",
        spent=spending.spent,
        in_progress=spending.in_progress,
        ceiling=ceiling,
        run_id=run_id,
    )
