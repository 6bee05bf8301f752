"""Removes phone numbers and e-mail addresses from prose, however they are spelled (D30).

Stricter than masking on purpose: masking serves logs, where a number's shape still helps; a summary is handed from
person to person, and nobody needs a number in it. Any seven digits that are no date, time or amount of money count as
a number, so contract and card numbers go as well.
"""

import re
import unicodedata

NUMBER_REMOVED = "(номер скрыт)"
ADDRESS_REMOVED = "(адрес скрыт)"

_UNITS = "ноль|нуль|один|одна|два|две|три|четыре|пять|шесть|семь|восемь|девять"
_TEENS = "десять|(?:один|две|три|четыр|пят|шест|сем|восем|девят)надцать"
_TENS = "двадцать|тридцать|сорок|(?:пять|шесть|семь|восемь)десят|девяносто"
_HUNDREDS = "сто|двести|(?:три|четыре)ста|(?:пять|шесть|семь|восемь|девять)сот"

# One atom of a number: digits (with the letter O that stands for a zero), or a spoken number.
_ATOM = rf"(?:\d[\dOoОо]*+|\b(?:{_HUNDREDS}|{_TENS}|{_TEENS}|{_UNITS})\b)"
_GAP = r"[\W_]{0,4}(?:(?:тире|дефис|минус|плюс|точка|скобка|потом|затем|дальше|далее|и)[\W_]{1,4})?"

_DATE = (
    r"(?<!\d)(?:(?:0?[1-9]|[12]\d|3[01])[./-](?:0?[1-9]|1[0-2])[./-](?:19|20)\d\d"
    r"|(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"|(?:19|20)\d\d\s?[-–—/]\s?(?:19|20)\d\d)(?!\d)"
)
_TIME = r"(?<!\d)(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?(?!\d)"
_AMOUNT = r"(?:\d{1,3}(?:[ .]\d{3}){1,2}|\d{1,9})(?:,\d\d?)?"
_MONEY = (
    rf"(?<!\d){_AMOUNT}(?:\s?[-–—]\s?{_AMOUNT})?\s?"
    r"(?:руб|₽|р\.|тыс|млн|тенге|долл|евро|юан|коп|[$€]|USD\b|EUR\b|RUB\b|KZT\b)"
)
_NUMERIC = re.compile(rf"(?P<kept>{_DATE}|{_TIME}|{_MONEY})|\+?{_ATOM}(?:{_GAP}{_ATOM})*+", re.IGNORECASE)
_LEAST_DIGITS = 7  # a city number
_SPELLED = re.compile(
    rf"(?P<digits>\d[\dOoОо]*)|(?P<h>{_HUNDREDS})|(?P<t>{_TENS})|(?P<e>{_TEENS})|(?P<u>{_UNITS})", re.IGNORECASE
)
_SHORT_CITY_NUMBER = re.compile(r"(?<![\d-])\d{1,2}-\d\d-\d\d(?![\d-])")

_DOT = r"(?:\.|\s+\.\s*|\s*\(\s*(?:dot|точка)\s*\)\s*|\s+(?:dot|точка)\s+)"
_LABEL = r"[^\W_][\w-]*+"
_LOCAL = r"(?<![\w.%+-])(?:[\w.%+-]++\s(?:точка|тире|дефис|dot)\s)*[\w.%+-]*+"
_ADDRESS = re.compile(
    rf"{_LOCAL}\s?@\s?{_LABEL}(?:{_DOT}{_LABEL})*"
    rf"|{_LOCAL}\s*(?:\(\s*(?:at|a|собака)\s*\)|\b(?:at|собака|собачка)\b)\s*{_LABEL}(?:{_DOT}{_LABEL})+",
    re.IGNORECASE,
)


def without_contacts(text: str) -> str:
    """`text` with each phone-like number and address replaced by a note in Russian; doing it twice changes nothing.

    Expects compatibility forms already folded (NFKC), as `include.domain.summaries` does.
    """
    text = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)
    text = _ADDRESS.sub(ADDRESS_REMOVED, text)
    text = _NUMERIC.sub(_without_number, text)
    return _SHORT_CITY_NUMBER.sub(NUMBER_REMOVED, text)


def _without_number(match: re.Match[str]) -> str:
    run = match.group()
    if match["kept"] is not None:
        return run
    lengths = _group_lengths(run)
    if sum(lengths) < _LEAST_DIGITS:
        return run
    # "10, 20, 30, 40" is a list; "765, 43, 21" is a number said with pauses
    a_list = "," in run and sum(lengths) < 10 and lengths[-3:] != [3, 2, 2]
    return run if a_list else NUMBER_REMOVED


def _group_lengths(run: str) -> list[int]:
    """How many digits each group of the run has: "девятьсот девяносто девять 76" -> [3, 2]."""
    lengths: list[int] = []
    room = ""  # what the spoken number at hand may still take in: tens after hundreds, a unit after tens
    for token in _SPELLED.finditer(run):
        kind = token.lastgroup or ""
        if kind not in room:
            lengths.append({"h": 3, "t": 2, "e": 2, "u": 1}.get(kind, len(token.group())))
        room = {"h": "teu", "t": "u"}.get(kind, "")
    return lengths
