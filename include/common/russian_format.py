"""How figures, times and sums read in Russian: no-break spaces between thousands, a decimal comma."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

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


def hours(seconds: Decimal | float) -> str:
    """`5 ч 07 мин`, `12 мин 30 с`, `42 с`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600}{NBSP}ч {whole // 60 % 60:02}{NBSP}мин"
    if whole >= 60:
        return f"{whole // 60}{NBSP}мин {whole % 60:02}{NBSP}с"
    return f"{whole}{NBSP}с"


def clock(seconds: Decimal | float) -> str:
    """`7:05`, or `1:02:03` from an hour on."""
    whole = round(seconds)
    tail = f"{whole // 60 % 60:02}:{whole % 60:02}" if whole >= 3600 else f"{whole // 60}:{whole % 60:02}"
    return f"{whole // 3600}:{tail}" if whole >= 3600 else tail


def day(value: date) -> str:
    return value.strftime("%d.%m.%Y")


def moment(value: datetime, offset_sec: int = 0) -> str:
    """Day and time at the given offset from UTC, without naming it."""
    return value.astimezone(timezone(timedelta(seconds=offset_sec))).strftime("%d.%m.%Y %H:%M")


def utc_moment(value: datetime) -> str:
    return f"{moment(value.astimezone(UTC))} UTC"


def count(quantity: int, one: str, few: str, many: str) -> str:
    """`1 звонок`, `2 звонка`, `5 звонков`."""
    tens, units = quantity % 100, quantity % 10
    word = many
    if not 11 <= tens <= 14:
        word = one if units == 1 else few if 2 <= units <= 4 else many
    return f"{number(quantity)}{NBSP}{word}"
