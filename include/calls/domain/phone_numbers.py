"""Spellings of a phone number: `74951234567`, `+7 495 123-45-67` and `8 (495) 1234567` are one."""

import re
from collections.abc import Iterable
from functools import lru_cache

import phonenumbers

_REGION = "RU"
_FEWEST_DIGITS = 7  # fewer are an internal extension: many people share it
_RUSSIAN = re.compile(r"(?:\+?7|8)?([0-9]{10})")
_EIGHT = re.compile(r"\+8([0-9]{10})")  # Russian, unless it is a number of Japan, Korea, China, ...
_SCHEME = re.compile(r"(?:sips?|tel):", re.IGNORECASE)
_FULL = 11  # digits: that many may be a number with its country code and without `+`
_OF_A_NUMBER = re.compile(r"[0-9\s()+.-]+")  # a SIP account such as `reg101` has one spelling


@lru_cache(maxsize=65_536)  # a listing asks for the same lines and regular clients again and again
def canonical_number(number: str) -> str:
    """`+79991234567` for every spelling of it; empty for an internal extension and for what is no number.

    A number without its country code is Russian. What no numbering plan knows is its digits.
    """
    address = _SCHEME.sub("", number.strip(), count=1).partition("@")[0]
    bare = re.sub(r"^00(?=[1-9])", "+", re.sub(r"[\s().\-\u2010-\u2015\xa0/]", "", address))
    if match := _RUSSIAN.fullmatch(bare):
        return f"+7{match[1]}"
    digits = re.sub(r"\D", "", bare)
    if len(digits) < _FEWEST_DIGITS:
        return ""
    foreign = _valid(f"+{digits}") if bare.startswith("+") or len(digits) >= _FULL else None
    if foreign is None and (match := _EIGHT.fullmatch(bare)):
        return f"+7{match[1]}"
    found = _valid(address) or foreign
    if found is not None:
        return found
    try:
        return phonenumbers.format_number(phonenumbers.parse(bare, _REGION), phonenumbers.PhoneNumberFormat.E164)
    except phonenumbers.NumberParseException:
        return digits


def _valid(number: str) -> str | None:
    """The number as `+...` if its numbering plan knows it."""
    try:
        parsed = phonenumbers.parse(number, _REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def pattern_of(number: str) -> str:
    """A pattern that Python and PostgreSQL read alike: a canonical number in its spellings, not within a longer one."""
    digits = number.removeprefix("+")
    prefix = r"\+?"
    if match := re.fullmatch(r"\+7([0-9]{10})", number):
        digits, prefix = match[1], r"(?:(?:\+|00)?[78])?"
    elif number.startswith("+"):
        prefix = r"(?:\+|00)?"
    between = r"[\s().-]*"
    return f"(?<![0-9]){prefix}{between}{between.join(digits)}(?![0-9])"


def spelled_alike(line: str, known: Iterable[str]) -> list[str]:
    """Those of the known phone lines that are the line, in order."""
    number = canonical_number(line) if _OF_A_NUMBER.fullmatch(line) else ""
    return sorted(one for one in known if one == line or (number and canonical_number(one) == number))
