"""What a Russian word may be: a name, a surname, a place, an everyday word; from pymorphy3's dictionary.

The dictionary (15 MB, 0.2 s, 40 MB of memory) is loaded with the first word that is looked up.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymorphy3 import MorphAnalyzer

_PERSON = {"Name": "first", "Surn": "last", "Patr": "patronymic"}


@dataclass(frozen=True, slots=True)
class Word:
    """How likely each reading is, from 0 to 1; they do not add up to 1 where a reading is guessed by the ending.

    `lemmas` are the base forms of the readings as a person's name. `cases` are those of the person's readings.
    """

    first: float
    last: float
    patronymic: float
    place: float
    other: float
    known: bool
    lemmas: frozenset[str]
    cases: frozenset[str]
    adjective: bool
    genitive_plural: bool
    noun: bool

    @property
    def person(self) -> float:
        return max(self.first, self.last, self.patronymic, min(1.0, self.first + self.last + self.patronymic))


_FOREIGN = Word(0, 0, 0, 0, 1, known=False, lemmas=frozenset(), cases=frozenset(), adjective=False,
                genitive_plural=False, noun=False)  # fmt: skip


@lru_cache(maxsize=20_000)
def looked_up(word: str) -> Word:
    """`word` in lower case with е for ё."""
    if not "а" <= word[:1] <= "я":
        return _FOREIGN
    parses = _analyser().parse(word)
    sums = dict.fromkeys(("first", "last", "patronymic", "place", "other"), 0.0)
    lemmas, cases = set(), set()
    for parse in parses:
        reading = next(_readings(parse.tag), "other")
        sums[reading] += parse.score
        if reading in _PERSON.values():
            lemmas.add(parse.normal_form.replace("ё", "е"))
            cases.add(str(parse.tag.case))
    best = parses[0].tag if parses else None
    return Word(
        **sums,
        known=_analyser().word_is_known(word),
        lemmas=frozenset(lemmas),
        cases=frozenset(cases),
        adjective=any("ADJF" in parse.tag or "Anum" in parse.tag for parse in parses),
        genitive_plural=any({"NOUN", "plur", "gent"} in parse.tag and parse.score > 0.1 for parse in parses),
        noun=best is not None and "NOUN" in best,
    )


def _readings(tag: Any) -> Iterator[str]:
    for grammeme, reading in _PERSON.items():
        if grammeme in tag:
            yield reading
    if "Geox" in tag:
        yield "place"


@cache
def _analyser() -> "MorphAnalyzer":
    from pymorphy3 import MorphAnalyzer  # noqa: PLC0415 - its dictionary is loaded only if a text is masked

    return MorphAnalyzer()
