"""What a request to a language model costs: public prices from the library's own data, never from a network.

Cached input is priced as such. A price of the routing table (`input_usd_per_million`) goes before. A model that the
library does not know is priced as the dearest text model of its table, so that a ceiling still holds.
"""

from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from functools import cache

from genai_prices import Usage, calc_price

from include.clients.language_models.routing_table import Provider

_MICRO = Decimal("0.000001")
_MILLION = 1_000_000
_DEAREST = ("claude-opus-5-5", "anthropic")
_VENDORS = {"anthropic": ("anthropic",), "openai": ("openai", "deepseek", "google")}


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one request; `cached_input` are part of `input`, thinking is part of `output`."""

    input: int
    cached_input: int
    output: int


def cost(provider: Provider, model: str, tokens: Tokens) -> Decimal:
    """USD, rounded up to a millionth. `model` is the one that answered: a snapshot of the asked one has its price."""
    if provider.input_usd_per_million is not None and provider.output_usd_per_million is not None:
        exact = (
            tokens.input * provider.input_usd_per_million + tokens.output * provider.output_usd_per_million
        ) / _MILLION
        return exact.quantize(_MICRO, rounding=ROUND_UP)
    priced, vendor = _known(provider.type, model) or _known(provider.type, provider.model) or _DEAREST
    usage = Usage(
        input_tokens=tokens.input,
        cache_read_tokens=min(tokens.cached_input, tokens.input),
        output_tokens=tokens.output,
    )
    return calc_price(usage, priced, provider_id=vendor).total_price.quantize(_MICRO, rounding=ROUND_UP)


def forecast(provider: Provider, model: str, input_tokens: int, output_tokens: int) -> Decimal:
    """The same for a request that is not sent yet."""
    return cost(provider, model, Tokens(input_tokens, 0, output_tokens))


@cache
def _known(kind: str, model: str) -> tuple[str, str] | None:
    """The model and the vendor under whose name the library knows it."""
    for vendor in _VENDORS[kind]:
        try:
            calc_price(Usage(input_tokens=1, output_tokens=1), model, provider_id=vendor)
        except LookupError:
            continue
        return model, vendor
    return None
