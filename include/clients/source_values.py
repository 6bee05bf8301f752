"""Values of foreign JSON and text, read strictly: a number that is none is an error, never a zero."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from include.common.errors import BadRow

_CENT = Decimal("0.01")
_MOST_MONEY = Decimal(10) ** 15  # Decimal(18, 2) of the warehouse
_MOST_WHOLE = 2**63 - 1


def whole(row: Mapping[str, Any], field: str, *, where: str, default: int | None = None) -> int:
    """A whole number that is not negative. Absent and null are `default`. Raises BadRow."""
    value = row.get(field)
    if value is None or value == "":
        if default is not None:
            return default
    elif not isinstance(value, bool):
        try:
            number = int(value)
        except (ValueError, TypeError, OverflowError):
            number = -1
        if number == 0 or (0 < number <= _MOST_WHOLE and (isinstance(value, str) or number == value)):
            return number
    raise BadRow(f"{where}: {field} is no whole number")


def money(row: Mapping[str, Any], field: str, *, where: str) -> Decimal | None:
    """Money with two places, from a number or a text; None for null and absent. Raises BadRow."""
    value = row.get(field)
    if value is None or value == "":
        return None
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        try:
            amount = Decimal(value)
            if abs(amount) < _MOST_MONEY:
                return amount.quantize(_CENT)
        except InvalidOperation:
            pass
    raise BadRow(f"{where}: {field} is no amount of money")


def instant(row: Mapping[str, Any], field: str, *, where: str) -> datetime | None:
    """An instant with an offset, as sent; None for null and absent. Raises BadRow for one without an offset."""
    value = row.get(field)
    if value is None or value == "":
        return None
    try:
        found = datetime.fromisoformat(value)
        in_utc = found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, TypeError, OverflowError):
        in_utc = None
    if in_utc is None or not 1990 <= in_utc.year <= 2100:
        raise BadRow(f"{where}: {field} is no instant with an offset from UTC")
    return found


def text(row: Mapping[str, Any], field: str, *, longest: int = 500) -> str:
    """One line; "" for anything but a text or a number."""
    value = row.get(field)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return " ".join(str(value).split())[:longest]
