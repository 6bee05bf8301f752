"""Spellings of a phone line: `74951234567`, `+7 495 123-45-67` and `8 (495) 1234567` are one line of the company."""

import re
from collections.abc import Iterable

import phonenumbers

_REGION = "RU"
_OF_A_NUMBER = re.compile(r"[0-9\s()+.-]+")  # a SIP account such as `reg101` has one spelling


def spellings_of(line: str, known: Iterable[str]) -> list[str]:
    """Those of the known lines that are the line, in order."""
    number = _canonical(line)
    return sorted(one for one in known if one == line or _canonical(one) == number)


def _canonical(line: str) -> str:
    if not _OF_A_NUMBER.fullmatch(line):
        return line
    try:
        parsed = phonenumbers.parse(line, _REGION)
    except phonenumbers.NumberParseException:
        return line
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
