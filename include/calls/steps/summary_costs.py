"""Money for summaries: what one answer cost, and what a run's summaries will (D26)."""

from decimal import Decimal

from include.calls.policy import Policy
from include.common.token_tariffs import TokenTariff, tariff_of, tokens_of

# Averages of Russian telephone talk and of our own prompt: a forecast, never a bill.
_CHARACTERS_PER_MINUTE = 850  # of transcript with its time codes, both sides together
_TOKENS_ASKED = 1_300  # instructions and schema, once per call
_TOKENS_ANSWERED = 900  # the summary itself and what the model thinks


def summary_tariff(policy: Policy, model: str) -> TokenTariff:
    """The settings', else the public tariff of `model`."""
    own, public = policy.summary, tariff_of(model)
    return TokenTariff(
        public.input_usd if own.input_usd_per_million is None else own.input_usd_per_million,
        public.output_usd if own.output_usd_per_million is None else own.output_usd_per_million,
    )


def summary_forecast(policy: Policy, minutes: Decimal | float, recordings: int) -> Decimal:
    """USD for summaries of so many recordings with so many minutes of audio in all."""
    heard = tokens_of(round(float(minutes) * _CHARACTERS_PER_MINUTE))
    tariff = summary_tariff(policy, policy.summary.model)
    return tariff.cost(recordings * _TOKENS_ASKED + heard, recordings * _TOKENS_ANSWERED)
