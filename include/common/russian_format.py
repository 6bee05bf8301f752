"""Formats numbers, times and sums for Russian readers: no-break spaces between thousands, a decimal comma."""

from datetime import date, datetime, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

NBSP = "\N{NO-BREAK SPACE}"


def number(value: Decimal | float, decimals: int = 0) -> str:
    """`12 345,6`: a no-break space between thousands, a decimal comma."""
    return f"{value:,.{decimals}f}".replace(",", NBSP).replace(".", ",")


def percent(share: Decimal | float, decimals: int = 2) -> str:
    return f"{number(share * 100, decimals)}{NBSP}%"


def dollars(amount: Decimal) -> str:
    """Four decimals: a call costs fractions of a cent. No `$`: in Markdown a pair of them starts a formula."""
    return f"{number(amount, 4)}{NBSP}USD"


def roubles(amount: Decimal) -> str:
    return f"{number(amount, 2)}{NBSP}₽"


def seconds(value: Decimal | float, decimals: int = 0) -> str:
    return f"{number(value, decimals)}{NBSP}с"


def hours(value: Decimal | float) -> str:
    """Seconds as `5 ч 07 мин`, `12 мин 30 с` or `42 с`."""
    whole = round(value)
    if whole >= 3600:
        return f"{whole // 3600}{NBSP}ч {whole // 60 % 60:02}{NBSP}мин"
    if whole >= 60:
        return f"{whole // 60}{NBSP}мин {whole % 60:02}{NBSP}с"
    return f"{whole}{NBSP}с"


def clock(value: Decimal | float) -> str:
    """Seconds as `7:05`, or `1:02:03` from an hour on."""
    whole = round(value)
    tail = f"{whole // 60 % 60:02}:{whole % 60:02}" if whole >= 3600 else f"{whole // 60}:{whole % 60:02}"
    return f"{whole // 3600}:{tail}" if whole >= 3600 else tail


def day(value: date) -> str:
    return value.strftime("%d.%m.%Y")


def moment(value: datetime, zone: tzinfo) -> str:
    """Day and time in the zone, without its name."""
    return value.astimezone(zone).strftime("%d.%m.%Y %H:%M")


def named_moment(value: datetime, zone: tzinfo) -> str:
    """Day and time in the zone, with its name."""
    return f"{moment(value, zone)} {zone_name(zone)}"


def zone_name(zone: tzinfo) -> str:
    """`Europe/Moscow`, `UTC` or `UTC+03:00`."""
    return zone.key if isinstance(zone, ZoneInfo) else str(zone)


def count(quantity: int, one: str, few: str, many: str) -> str:
    """`1 звонок`, `2 звонка`, `5 звонков`."""
    tens, units = quantity % 100, quantity % 10
    word = many
    if not 11 <= tens <= 14:
        word = one if units == 1 else few if 2 <= units <= 4 else many
    return f"{number(quantity)}{NBSP}{word}"
