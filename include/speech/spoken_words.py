"""Russian texts as sequences of spoken words, for comparing two texts. NORMALISER names the version of the rules.

Word error rates made by different versions cannot be compared, and thresholds belong to one version.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymorphy3 import MorphAnalyzer

NORMALISER = "ru-1"
NUMERAL = "<num>"

_LONG_NUMBER = 4  # digits: shorter groups stand in a text by chance
_APOSTROPHES = str.maketrans("", "", "'’ʼ`")
_FILLERS = frozenset({"э", "ээ", "эээ", "эм", "м", "мм", "ммм", "хм", "угу"})
_NUMERAL_NOUNS = frozenset({"тысяча", "миллион", "миллиард", "ноль", "нуль"})
_INDEFINITE = frozenset({"сколько", "столько", "несколько", "много", "немного", "мало", "оба"})
_MARKS_BETWEEN_DIGITS = re.compile(r"(?<=\d)[-().]+(?=\d)")
_GAPS_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s\-().,]+(?=\d)")


def words_of(text: str) -> tuple[str, ...]:
    """NFKC, lower case, ё = е, no apostrophes; every other mark is a space, so "1,5" and "1.5" are the same words."""
    folded = _folded(text).translate(_APOSTROPHES).casefold().replace("ё", "е")
    return tuple("".join(char if char.isalnum() or _is_accent(char) else " " for char in folded).split())


def content_of(words: Sequence[str]) -> tuple[str, ...]:
    """Without fillers, and each row of numerals, in words or digits, as one `<num>`."""
    found: list[str] = []
    for word in words:
        if word in _FILLERS:
            continue
        written = NUMERAL if is_numeral(word) else word
        if written != NUMERAL or found[-1:] != [NUMERAL]:
            found.append(written)
    return tuple(found)


@lru_cache(maxsize=10_000)
def is_numeral(word: str) -> bool:
    """Cardinal and ordinal, in every case. A form that is usually another word is none: "семью" is a family."""
    if any(char.isdigit() for char in word):
        return True
    found = _analyser().parse(word)
    numerals = [parse for parse in found if _names_a_number(parse)]
    others = [parse.score for parse in found if parse not in numerals]
    return bool(numerals) and max(others, default=0.0) <= 0.5


def long_numbers(text: str) -> tuple[str, ...]:
    """Groups of four digits and more; hyphens and brackets do not divide a group, blanks do."""
    return tuple(re.findall(rf"\d{{{_LONG_NUMBER},}}", _MARKS_BETWEEN_DIGITS.sub("", _folded(text))))


def numbers_found(reference: str, hypothesis: str) -> float | None:
    """The share of the reference's long numbers that stand in the other text, divided or not; None if it has none."""
    wanted = long_numbers(reference)
    digits = _GAPS_BETWEEN_DIGITS.sub("", _folded(hypothesis))
    return sum(number in digits for number in wanted) / len(wanted) if wanted else None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _is_accent(char: str) -> bool:
    return unicodedata.category(char) == "Mn"


def _names_a_number(parse: Any) -> bool:
    numeral = "NUMR" in parse.tag or "Anum" in parse.tag or parse.normal_form in _NUMERAL_NOUNS
    return numeral and parse.normal_form not in _INDEFINITE


@cache
def _analyser() -> "MorphAnalyzer":
    from pymorphy3 import MorphAnalyzer  # noqa: PLC0415 - its dictionaries are loaded only if two texts are compared

    return MorphAnalyzer()
