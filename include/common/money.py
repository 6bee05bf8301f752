"""The cost of recognition. USD unless stated otherwise; money is Decimal, never float."""

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

_MICRO = Decimal("0.000001")  # NUMERIC(12, 6) of call_records.cost
_MILLISECOND = Decimal("0.001")


def whole_minutes(audio_sec: Decimal | float) -> int:
    """Started minutes. The length is rounded to the millisecond, so 60.0000001 s is one minute."""
    return int((_seconds(audio_sec) / 60).to_integral_value(rounding=ROUND_CEILING))


def call_cost(audio_sec: Decimal | float, rate_per_min: Decimal) -> Decimal:
    """The price of one call: its minutes are rounded up once, however many pieces are sent."""
    return _money(whole_minutes(audio_sec) * rate_per_min)


def exact_cost(audio_sec: Decimal | float, rate_per_min: Decimal) -> Decimal:
    """The sum per second, which the service bills; shown beside `call_cost`."""
    return _money(_seconds(audio_sec) * rate_per_min / 60)


def total(costs: Iterable[Decimal]) -> Decimal:
    return _money(sum(costs, Decimal(0)))


def in_roubles(usd: Decimal, usd_rub_rate: Decimal) -> Decimal:
    return (usd * usd_rub_rate).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _seconds(audio_sec: Decimal | float) -> Decimal:
    value = audio_sec if isinstance(audio_sec, Decimal) else Decimal(repr(float(audio_sec)))
    return value.quantize(_MILLISECOND, rounding=ROUND_HALF_UP)


def _money(value: Decimal) -> Decimal:
    return value.quantize(_MICRO, rounding=ROUND_HALF_UP)
