"""Removes phone numbers and e-mail addresses from prose, in any spelling.

Stricter than masking on purpose: masking serves logs, where a number's shape still helps; a summary passes from
person to person, and no reader needs a number in it. Any seven digits that are no date, time or amount of money count
as a number, so contract and card numbers are removed as well.
"""

import re
import unicodedata
from collections.abc import Iterator

from include.common.wording import personal_data

NUMBER_REMOVED = personal_data.NUMBER
ADDRESS_REMOVED = personal_data.EMAIL

_UNITS = "ноль|нуль|один|одна|два|две|три|четыре|пять|шесть|семь|восемь|девять"
_TEENS = "десять|(?:один|две|три|четыр|пят|шест|сем|восем|девят)надцать"
_TENS = "двадцать|тридцать|сорок|(?:пять|шесть|семь|восемь)десят|девяносто"
_HUNDREDS = "сто|двести|(?:три|четыре)ста|(?:пять|шесть|семь|восемь|девять)сот"

# One atom of a number: digits (with the letter O that stands for a zero), or a spoken number.
_ATOM = rf"(?:\d[\dOoОо]*+|\b(?:{_HUNDREDS}|{_TENS}|{_TEENS}|{_UNITS})\b)"
_GAP = r"[\W_]*+(?:(?:тире|дефис|минус|плюс|точка|скобка|потом|затем|дальше|далее|ну|и|а)\b[\W_]*+){0,3}"

_DATE = (
    r"(?<!\d)(?:(?:0?[1-9]|[12]\d|3[01])[./-](?:0?[1-9]|1[0-2])[./-](?:19|20)\d\d"
    r"|(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"|(?:19|20)\d\d\s?[-–—/]\s?(?:19|20)\d\d)(?!\d)"
)
_TIME = r"(?<!\d)(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?(?!\d)"
_AMOUNT = r"(?:\d{1,3}(?:[ .]\d{3}){1,2}|\d{1,9})(?:,\d\d?)?"
_UNIT = r"(?:руб|₽|р\.|тыс|млн|тенге|долл|евро|юан|коп|[$€]|USD\b|EUR\b|RUB\b|KZT\b)"
_MONEY = rf"(?<!\d){_AMOUNT}\s?{_UNIT}"
_MONEY_RANGE = rf"(?<!\d)(?P<low>{_AMOUNT})\s?[-–—]\s?(?P<high>{_AMOUNT})(?P<unit>\s?{_UNIT})"
# "09:16 12:34 56-78": pairs of digits that look like times and continue with the same separator
_PAIRS = rf"{_TIME}(?P<apart>[\W_]{{1,3}}){_TIME}(?P=apart)(?!{_DATE}|{_TIME})(?:\d{{3}}|\d\d[\W_]{{1,3}}\d\d)"
_NUMERIC = re.compile(
    rf"(?P<kept>{_DATE}|(?!{_PAIRS}){_TIME}|{_MONEY})|{_MONEY_RANGE}|\+?{_ATOM}(?:{_GAP}{_ATOM})*+", re.IGNORECASE
)
_SCALES = {"тыс": 1_000, "млн": 1_000_000}
_LEAST_DIGITS = 7  # a city number
_SPELLED = re.compile(
    rf"(?P<digits>\d[\dOoОо]*)|(?P<h>{_HUNDREDS})|(?P<t>{_TENS})|(?P<e>{_TEENS})|(?P<u>{_UNITS})", re.IGNORECASE
)
_SHORT_CITY_NUMBER = re.compile(r"(?<![\d-])\d{1,2}-\d\d-\d\d(?![\d-])")

_DOT = r"(?:\.|\s+\.\s*|\s*\(\s*(?:dot|точка)\s*\)\s*|\s+(?:dot|точка)\s+)"
_LABEL = r"[^\W_][\w-]*+"
_LOCAL = r"(?<![\w.%+-])(?:[\w.%+-]++\s(?:точка|тире|дефис|dot|(?:нижнее\s)?подч[её]ркивание)\s)*[\w.%+-]*+"
# If "at" is an everyday word, or the dot is not spoken, only a known ending identifies an address.
_ENDING = r"(?:ру|ru|рф|su|ком|com|net|орг|org|инфо|info|by|kz)\b"
_ADDRESS = re.compile(
    rf"{_LOCAL}\s?@\s?{_LABEL}(?:{_DOT}{_LABEL})*"
    rf"|{_LOCAL}\s*(?:\(\s*(?:at|a|собака)\s*\)|\b(?:at|собака|собачка)\b)\s*{_LABEL}(?:{_DOT}{_LABEL})+"
    rf"|{_LOCAL}\s*\b(?:at|собака|собачка|эт|эйт|ат)\b\s*{_LABEL}(?:{_DOT}{_LABEL})*(?:{_DOT}|\s+){_ENDING}",
    re.IGNORECASE,
)


def without_contacts(text: str) -> str:
    """`text` with each phone-like number and address replaced by a note in Russian; doing it twice changes nothing.

    Expects compatibility forms already folded (NFKC), as `include.calls.domain.summaries` does.
    """
    text = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)
    text = _ADDRESS.sub(ADDRESS_REMOVED, text)
    text = _NUMERIC.sub(_without_number, text)
    return _SHORT_CITY_NUMBER.sub(NUMBER_REMOVED, text)


def addresses_in(text: str) -> Iterator[tuple[int, int]]:
    """Where e-mail addresses are, spoken ones included: start and end."""
    return (found.span() for found in _ADDRESS.finditer(text))


def short_city_numbers_in(text: str) -> Iterator[tuple[int, int]]:
    """Where a number like 76-54-32 is: start and end."""
    return (found.span() for found in _SHORT_CITY_NUMBER.finditer(text))


def dates_times_and_money_in(text: str) -> Iterator[tuple[int, int]]:
    """Where digits are a date, a time or an amount of money: start and end."""
    for found in _NUMERIC.finditer(text):
        if found["kept"] is not None or (found["low"] and _is_range(found["low"], found["high"], found["unit"])):
            yield found.span()


def _without_number(match: re.Match[str]) -> str:
    run = match.group()
    if match["kept"] is not None:
        return run
    if match["low"] is not None and _is_range(match["low"], match["high"], match["unit"]):
        return run
    unit = match["unit"] or ""
    lengths = _group_lengths(run)
    if sum(lengths) < _LEAST_DIGITS:
        return run
    # "10, 20, 30, 40" is a list; "765, 43, 21" is a number spoken with pauses
    a_list = "," in run and sum(lengths) < 10 and lengths[-3:] != [3, 2, 2]
    return run if a_list else NUMBER_REMOVED + unit


def _is_range(low: str, high: str, unit: str) -> bool:
    """Whether two amounts are "from-to": ascending, and as long as a phone number only if both are round."""
    least, most = (int(re.sub(r"[ .]", "", amount).partition(",")[0]) for amount in (low, high))
    scale = _SCALES.get(unit.strip().lower(), 1)
    if least >= most * scale:
        return False
    return sum(map(str.isdigit, low + high)) < 10 or least % 100 == most % 100 == 0


def _group_lengths(run: str) -> list[int]:
    """The number of digits of each group: "девятьсот девяносто девять 76" -> [3, 2]."""
    lengths: list[int] = []
    room = ""  # kinds of words that may still continue the spoken number: tens after hundreds, a unit after tens
    for token in _SPELLED.finditer(run):
        kind = token.lastgroup or ""
        if kind not in room:
            lengths.append({"h": 3, "t": 2, "e": 2, "u": 1}.get(kind, len(token.group())))
        room = {"h": "teu", "t": "u"}.get(kind, "")
    return lengths
