from decimal import Decimal

import pytest

from include.calls.policy import load_policy
from include.calls.steps.spending import summary_forecast, summary_tariff
from include.common.token_tariffs import TokenTariff, tariff_of, tokens_of


def test_a_million_tokens_each_way_cost_the_tariff() -> None:
    assert tariff_of("gpt-5-mini").cost(1_000_000, 1_000_000) == Decimal("2.25")


def test_a_single_token_is_not_lost_to_rounding() -> None:
    assert tariff_of("gpt-5-mini").cost(1000, 0) == Decimal("0.000250")


@pytest.mark.parametrize("model", ["gpt-5-mini-2025-08-07", "gpt-5-mini"])
def test_a_snapshot_has_its_familys_tariff(model: str) -> None:
    assert tariff_of(model) == TokenTariff(Decimal("0.25"), Decimal("2.00"))


def test_an_unknown_model_has_the_highest_price() -> None:
    """A spending limit must hold for a model that is not in the table."""
    assert tariff_of("something-new").output_usd >= tariff_of("gpt-5").output_usd
    assert tariff_of("gpt-5-mini-turbo") == tariff_of("something-new"), "a name that only begins alike is no snapshot"


def test_the_settings_prices_are_above_the_public_ones() -> None:
    summary = load_policy({}).summary
    own = summary.model_copy(update={"input_usd_per_million": Decimal(0), "output_usd_per_million": Decimal(0)})
    assert summary_tariff(own, "gpt-5").cost(10**6, 10**6) == 0


def test_a_forecast_grows_with_minutes_and_with_calls() -> None:
    policy = load_policy({})
    one = summary_forecast(policy.summary, Decimal(60), 20)
    assert summary_forecast(policy.summary, Decimal(120), 20) > one
    assert summary_forecast(policy.summary, Decimal(60), 40) > one
    assert summary_forecast(policy.summary, Decimal(9000), 3000) < policy.money.budget_usd, (
        "far below the texts themselves"
    )


def test_an_estimate_of_any_text_is_above_zero() -> None:
    assert (tokens_of(0), tokens_of(1), tokens_of(3)) == (0, 1, 2)
