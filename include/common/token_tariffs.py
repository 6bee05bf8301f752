"""The cost of a language model's response: tokens by the tariff of the model, in USD.

Public prices of the vendor's models, kept here only; prices of a contract are set in policy.yaml
(`summary.input_usd_per_million`).
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

_MICRO = Decimal("0.000001")  # NUMERIC(12, 6) of call_records.summary_cost
_MILLION = Decimal(1_000_000)
_CHARACTERS_PER_TOKEN = 2  # of Russian, a cautious estimate: three is usual


@dataclass(frozen=True, slots=True)
class TokenTariff:
    """USD per million tokens; thinking is billed as output."""

    input_usd: Decimal
    output_usd: Decimal

    def cost(self, input_tokens: int, output_tokens: int) -> Decimal:
        exact = (input_tokens * self.input_usd + output_tokens * self.output_usd) / _MILLION
        return exact.quantize(_MICRO, rounding=ROUND_HALF_UP)


_KNOWN = {
    name: TokenTariff(Decimal(input_usd), Decimal(output_usd))
    for name, input_usd, output_usd in (
        ("gpt-5-mini", "0.25", "2.00"),
        ("gpt-5-nano", "0.05", "0.40"),
        ("gpt-5", "1.25", "10.00"),
        ("gpt-4.1-mini", "0.40", "1.60"),
        ("gpt-4.1-nano", "0.10", "0.40"),
        ("gpt-4.1", "2.00", "8.00"),
        ("gpt-4o-mini", "0.15", "0.60"),
        ("gpt-4o", "2.50", "10.00"),
    )
}
# A model that is not in the table: the highest price, so that a spending limit still holds.
_UNKNOWN = max(_KNOWN.values(), key=lambda tariff: tariff.output_usd + tariff.input_usd)


def tariff_of(model: str) -> TokenTariff:
    """A dated snapshot ("gpt-5-mini-2025-08-07") has the tariff of its family; an unknown model the highest one."""
    family = next((name for name in _KNOWN if model == name or _is_snapshot(model, name)), None)
    return _KNOWN[family] if family else _UNKNOWN


def tokens_of(characters: int) -> int:
    """An estimate, for forecasts and for services that do not count."""
    return -(-characters // _CHARACTERS_PER_TOKEN)


def _is_snapshot(model: str, family: str) -> bool:
    date = model.removeprefix(f"{family}-")
    return date != model and date.replace("-", "").isdigit()
