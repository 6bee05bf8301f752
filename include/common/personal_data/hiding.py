"""A text with its personal data replaced by marks that say what was there: `[имя]`, `[телефон]`.

What is hidden and what is not: docs/runbooks/personal_data.md. Of other languages than Russian only numbers and e-mail
addresses are found, and names that a Russian dictionary knows.
"""

import unicodedata
from collections.abc import Iterable, Sequence

from include.common.contacts import addresses_in
from include.common.personal_data.addresses import postal_addresses_in
from include.common.personal_data.kinds import Found, Kind
from include.common.personal_data.names import names_in
from include.common.personal_data.numbers import numbers_in
from include.common.personal_data.spoken_text import tokens_of
from include.common.plain_text import folded, inert
from include.common.wording.personal_data import MARKS


def without_personal_data(text: str) -> str:
    """Lines are what people say one after another, with or without `[00:00:09] [Клиент]:` before.

    Times, labels and lines without personal data stay as they are. In a line with some, invisible and similar
    characters and entities are folded as well. Doing it twice changes nothing.
    """
    lines = text.split("\n")
    plain = [_with_ascii_digits(folded(line)) for line in lines]
    hidden = _hidden("\n".join(plain)).split("\n")
    return "\n".join(
        line if after == before else after for line, before, after in zip(lines, plain, hidden, strict=True)
    )


def turns_without_personal_data(turns: Iterable[str]) -> list[str]:
    """The same of turns without times and labels, in order."""
    return without_personal_data("\n".join(" ".join(turn.split("\n")) for turn in turns)).split("\n")


def personal_data_in(text: str) -> list[Found]:
    """In order, without overlaps; `text` is folded already."""
    emails = [Found(*place, Kind.EMAIL) for place in addresses_in(inert(text))]
    tokens = tokens_of(text)
    numbers = _outside(numbers_in(text, tokens), emails)
    postal = _outside(postal_addresses_in(tokens), emails + numbers)
    taken = emails + numbers + postal
    return sorted(taken + list(names_in(tokens, taken)))


def _outside(found: Iterable[Found], taken: Sequence[Found]) -> list[Found]:
    return [one for one in found if not any(one.start < other.end and other.start < one.end for other in taken)]


def _hidden(text: str) -> str:
    for found in reversed(personal_data_in(text)):
        text = text[: found.start] + MARKS[found.kind] + text[found.end :]
    return text


def _with_ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)
