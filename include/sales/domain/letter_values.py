"""Dates, amounts and encodings as people and mail programs write them. A reader answers None where it cannot read."""

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

_CENT = Decimal("0.01")
_MOST = Decimal(10) ** 15
_CURRENCIES = {"₽": "RUB", "руб": "RUB", "рублей": "RUB", "р": "RUB", "rur": "RUB", "$": "USD", "€": "EUR"}
_AMOUNT = re.compile(r"(?P<sign>[-−]?)(?P<digits>[0-9][0-9., '’]*)(?P<unit>[^\d\s][^\d]*)?")
_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%d.%m.%y")
_DATE = re.compile(r"(\d{1,4}[./-]\d{1,2}[./-]\d{2,4})(?:[ T]\d{1,2}:\d{2}(?::\d{2})?)?", re.ASCII)


def day_of(text: str) -> date | None:
    """`2026-11-28`, `28.11.2026`, `28.11.26` or `28/11/2026`, a time after it is left out. Never month before day."""
    found = _DATE.fullmatch(text.strip())
    if found is None:
        return None
    for form in _DATES:
        try:
            day = datetime.strptime(found[1], form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        if 2000 <= day.year <= 2100:
            return day
    return None


def amount_of(text: str) -> Decimal | None:
    """`1 234,50 руб.`, `1,234.50`, `1234`: money with two places. A separator before three last digits groups."""
    found = _AMOUNT.fullmatch(_spaces(text))
    if found is None:
        return None
    digits = re.sub(r"[ '’]", "", found["digits"]).rstrip(".,")
    decimal = max(digits.rfind("."), digits.rfind(","))
    whole, fraction = (digits[:decimal], digits[decimal + 1 :]) if decimal >= 0 else (digits, "")
    if len(fraction) == 3 and digits.count(digits[decimal]) >= 1 and not _mixed(digits):
        whole, fraction = digits, ""
    if len(fraction) > 2 or not re.fullmatch(r"\d{1,3}(?:[.,]\d{3})*|\d+", whole):
        return None
    try:
        amount = Decimal(f"{found['sign'].replace('−', '-')}{re.sub('[.,]', '', whole)}.{fraction or '0'}")
    except InvalidOperation:
        return None
    return amount.quantize(_CENT) if abs(amount) < _MOST else None


def count_of(text: str) -> int | None:
    """A whole number of tickets; negative where tickets came back."""
    amount = amount_of(text)
    if amount is None or amount != amount.to_integral_value() or abs(amount) >= 2**31:
        return None
    return int(amount)


def currency_of(text: str) -> str | None:
    """From a column of its own or from the words after an amount; None where there is none."""
    words = re.sub(r"[\d\s.,'’()−-]+", " ", _spaces(text)).strip().lower().rstrip(".")
    if words in _CURRENCIES:
        return _CURRENCIES[words]
    return words.upper() if re.fullmatch(r"[a-z]{3}", words) else None


def decoded(content: bytes) -> str:
    """UTF-8 or UTF-16 by their mark, UTF-8 if it is that, else Windows-1251."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1251", "replace")


def _mixed(digits: str) -> bool:
    return "." in digits and "," in digits


def _spaces(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").replace("\u2009", " ").split())
