"""A recogniser's text as words and marks, with the numbers that it spells.

A number may be spoken ("восемь девятьсот двадцать шесть"), written, or both, with pauses and fillers between its parts.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from include.common.personal_data.vocabulary import words
from include.common.wording.personal_data import MARKS

# What was hidden already, times and speakers' labels are opaque: `[имя]`, `[00:00:09]`, `[Клиент]:`
_OPAQUE = "|".join(map(re.escape, MARKS.values()))
_TOKEN = re.compile(
    rf"(?P<hidden>{_OPAQUE})|(?P<line>\n|\[\d\d:\d\d:\d\d\]|\[[^\]\n]{{1,40}}\]:)|(?P<digits>\d[\dOoОо]*)"
    r"|(?P<word>[а-яёА-ЯЁ]+|[^\W\d_]+)|(?P<mark>\S)"
)

_UNITS = {
    "ноль": "0", "нуль": "0", "один": "1", "одна": "1", "два": "2", "две": "2", "три": "3", "четыре": "4", "пять": "5",
    "шесть": "6", "семь": "7", "восемь": "8", "девять": "9",
}  # fmt: skip
_TEENS = (
    "десять", "одиннадцать", "двенадцать", "тринадцать", "четырнадцать", "пятнадцать", "шестнадцать", "семнадцать",
    "восемнадцать", "девятнадцать",
)  # fmt: skip
_TENS = ("двадцать", "тридцать", "сорок", "пятьдесят", "шестьдесят", "семьдесят", "восемьдесят", "девяносто")
_HUNDREDS = ("сто", "двести", "триста", "четыреста", "пятьсот", "шестьсот", "семьсот", "восемьсот", "девятьсот")
_SPOKEN = {
    **_UNITS,
    **{word: str(10 + at) for at, word in enumerate(_TEENS)},
    **{word: str(20 + 10 * at) for at, word in enumerate(_TENS)},
    **{word: str(100 + 100 * at) for at, word in enumerate(_HUNDREDS)},
}
_ROOM = {**dict.fromkeys(_HUNDREDS, 2), **dict.fromkeys(_TENS, 1)}  # how many digits may still come in the same number
_REPEATED = {
    "нуля": "0", "нулей": "0", "ноля": "0", "нолей": "0", "единицы": "1", "единички": "1", "двойки": "2", "тройки": "3",
    "четверки": "4", "пятерки": "5", "шестерки": "6", "семерки": "7", "восьмерки": "8", "девятки": "9",
}  # fmt: skip
_TIMES = {"два": 2, "две": 2, "три": 3, "четыре": 4}

_FILLERS = words("numbers", "between")
_MOST_FILLERS = 3
_BETWEEN = frozenset(".,…-–—‑()+/:;_*·•#'\"\\|~=")


class Token(NamedTuple):
    """`text` is as it is written; `word` in lower case with е for ё, empty if the token is no word."""

    start: int
    end: int
    text: str
    kind: str  # digits, word, mark, line (what another person says begins) or hidden
    word: str


@dataclass(frozen=True, slots=True)
class Group:
    """One number as it is said at once: "девятьсот двадцать шесть" is 926. Its tokens: `first` to `last`, included."""

    digits: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Run:
    """Groups that follow each other with nothing but pauses and fillers between."""

    groups: tuple[Group, ...]

    @property
    def digits(self) -> str:
        return "".join(group.digits for group in self.groups)

    @property
    def shape(self) -> list[int]:
        return [len(group.digits) for group in self.groups]


def tokens_of(text: str) -> list[Token]:
    return [_token(found) for found in _TOKEN.finditer(text)]


def _token(found: re.Match[str]) -> Token:
    kind, text = found.lastgroup or "", found.group()
    return Token(found.start(), found.end(), text, kind, text.lower().replace("ё", "е") if kind == "word" else "")


def group_at(tokens: Sequence[Token], at: int) -> Group | None:
    """The number that begins with this token."""
    token = tokens[at]
    if token.kind == "digits":
        return Group(re.sub(r"[OoОо]", "0", token.text), at, at)
    if token.word not in _SPOKEN:
        return None
    following = tokens[at + 1].word if at + 1 < len(tokens) else ""
    if token.word in _TIMES and following in _REPEATED:
        return Group(_REPEATED[following] * _TIMES[token.word], at, at + 1)
    value, room, last = int(_SPOKEN[token.word]), _ROOM.get(token.word, 0), at
    while room and last + 1 < len(tokens):
        more = _SPOKEN.get(tokens[last + 1].word, "")
        if not more or more == "0" or len(more) > room or _is_repeated(tokens, last + 1):
            break
        value, last = value + int(more), last + 1
        room = _ROOM.get(tokens[last].word, 0)
    return Group(str(value), at, last)


def groups_of(tokens: Sequence[Token]) -> list[Group]:
    """All numbers, in order."""
    found: list[Group] = []
    at = 0
    while at < len(tokens):
        group = group_at(tokens, at)
        if group:
            found.append(group)
        at = group.last + 1 if group else at + 1
    return found


def runs_of(tokens: Sequence[Token], groups: Sequence[Group], apart: frozenset[int]) -> Iterator[Run]:
    """Numbers with only pauses, fillers and marks between them; those that begin at a token of `apart` are left out."""
    run: list[Group] = []
    for group in groups:
        if group.first in apart:
            if run:
                yield Run(tuple(run))
            run = []
            continue
        if run and not _goes_on(tokens[run[-1].last + 1 : group.first]):
            yield Run(tuple(run))
            run = []
        run.append(group)
    if run:
        yield Run(tuple(run))


def _goes_on(between: Sequence[Token]) -> bool:
    said = [token.word for token in between if token.kind == "word"]
    apart = any(token.kind == "hidden" or (token.kind == "mark" and token.text not in _BETWEEN) for token in between)
    return not apart and len(said) <= _MOST_FILLERS and _FILLERS.issuperset(said)


def _is_repeated(tokens: Sequence[Token], at: int) -> bool:
    return tokens[at].word in _TIMES and at + 1 < len(tokens) and tokens[at + 1].word in _REPEATED
