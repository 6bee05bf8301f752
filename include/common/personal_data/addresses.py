"""Where a text says a postal address: a street with a building, a building with a flat, a flat.

A street without a building, a town, a metro station are places and no addresses.
"""

from collections.abc import Iterator, Sequence

from include.common.personal_data.kinds import Found, Kind
from include.common.personal_data.morphology import looked_up
from include.common.personal_data.spoken_text import Token, group_at
from include.common.personal_data.vocabulary import words

_STREETS = words("addresses", "streets")
_SETTLEMENTS = words("addresses", "settlements")
_PLOTS = words("addresses", "plots")
_BUILDINGS = words("addresses", "buildings") | _PLOTS
_FLATS = words("addresses", "flats")
_PARTS = words("addresses", "parts")
_NAMED = _STREETS | _SETTLEMENTS | _BUILDINGS | _FLATS | _PARTS
_BEFORE_A_STREET = words("addresses", "before_a_street")
_MOST_NAME_WORDS = 4
_MARKS = frozenset(".,-–—/:№")
_ENDS_A_NAME = words("addresses", "end_a_name")


class _Part:
    """A piece of an address: tokens from `first` up to `end`, excluded."""

    def __init__(self, first: int, end: int, says: str) -> None:
        self.first, self.end, self.says = first, end, says


def postal_addresses_in(tokens: Sequence[Token]) -> Iterator[Found]:
    at = 0
    while at < len(tokens):
        end, parts = _address_at(tokens, at)
        if parts:
            last = parts[-1].end - 1
            yield Found(tokens[parts[0].first].start, tokens[last].end, Kind.ADDRESS)
            at = max(end, at + 1)
        else:
            at += 1


def _address_at(tokens: Sequence[Token], at: int) -> tuple[int, list[_Part]]:
    """The parts of an address that begins with this token, if they say enough."""
    parts: list[_Part] = []
    here = at
    while here < len(tokens):
        part = _part_at(tokens, here, parts)
        if part is None:
            break
        parts.append(part)
        here = _after_marks(tokens, part.end)
    says = {part.says for part in parts}
    enough = "flat" in says or ("building" in says and says & {"street", "settlement", "part"}) or "plot" in says
    return (parts[-1].end, parts) if enough else (at, [])


def _part_at(tokens: Sequence[Token], at: int, before: Sequence[_Part]) -> _Part | None:
    word = tokens[at].word
    if word in _FLATS | _BUILDINGS | _PARTS and (end := _number_after(tokens, at + 1)):
        if _is_amount(tokens, end):
            return None
        says = "flat" if word in _FLATS else "plot" if word in _PLOTS else "building" if word in _BUILDINGS else "part"
        return _Part(at, end, says)
    streets = any(part.says == "street" for part in before)
    if streets and not any(part.says == "building" for part in before) and before[-1].says == "street":
        end = _number_after(tokens, at)
        return _Part(at, end, "building") if end and not _is_amount(tokens, end) else None
    if not streets and (end := _street_at(tokens, at)):
        return _Part(at, end, "street")
    if not streets and (end := _settlement_at(tokens, at)):
        return _Part(at, end, "settlement")
    return None


def _street_at(tokens: Sequence[Token], at: int) -> int:
    """The end of "улица ленина", "садовую улицу", "пушкина" (before a building's number); 0 if no street is here."""
    if tokens[at].word in _STREETS:
        end = _name_end(tokens, _after_marks(tokens, at + 1))
        return end if end > at + 1 else _numbered_street_end(tokens, at + 1)
    here = at
    while here < min(at + 3, len(tokens)) and _may_precede_a_street(tokens[here]):
        here += 1
        if here < len(tokens) and tokens[here].word in _STREETS:
            return here + 1
    return _bare_street_at(tokens, at)


def _may_precede_a_street(token: Token) -> bool:
    return bool(token.word) and token.word not in _NAMED and looked_up(token.word).adjective


def _bare_street_at(tokens: Sequence[Token], at: int) -> int:
    """A name of the genitive or an adjective without "улица" counts only with a number right behind it."""
    name = looked_up(tokens[at].word) if tokens[at].word else None
    if name is None or tokens[at].word in _NAMED:
        return 0
    number = _number_after(tokens, at + 1)
    if not number or _is_amount(tokens, number):
        return 0
    said_on = at > 0 and tokens[at - 1].word in _BEFORE_A_STREET
    flat = _after_marks(tokens, number)
    with_flat = flat < len(tokens) and tokens[flat].word in _FLATS | {"корпус", "строение"}
    of_a_person = name.last >= 0.5 and "gent" in name.cases
    if (of_a_person and (said_on or with_flat)) or (name.adjective and name.known and said_on and with_flat):
        return at + 1
    return 0


def _settlement_at(tokens: Sequence[Token], at: int) -> int:
    """The end of "город подольск", "деревня ивановка", "москва", "ростов на дону"."""
    word = tokens[at].word
    if not word:
        return 0
    if word in _SETTLEMENTS:
        name = _after_marks(tokens, at + 1)
        if name < len(tokens) and tokens[name].word and tokens[name].word not in _NAMED | _ENDS_A_NAME:
            return name + 1
        return 0
    if word not in _NAMED and looked_up(word).place >= 0.3:
        following = [token.word for token in tokens[at + 1 : at + 3]]
        return at + 3 if following == ["на", "дону"] else at + 1
    return 0


def _name_end(tokens: Sequence[Token], at: int) -> int:
    """Words of a street's name, up to a number or another part: "8 марта" begins with one."""
    end = at
    if end + 1 < len(tokens) and tokens[end].kind == "digits" and _is_of_a_name(tokens[end + 1]):
        end += 2
    while end < min(at + _MOST_NAME_WORDS, len(tokens)):
        word = tokens[end].word
        if not word or word in _NAMED | _ENDS_A_NAME or group_at(tokens, end):
            break
        end += 1
    return end


def _numbered_street_end(tokens: Sequence[Token], at: int) -> int:
    """The end of "набережная 8" before "дом 4"; 0 if no building follows."""
    end = _number_after(tokens, at)
    building = _after_marks(tokens, end)
    return end if end and building < len(tokens) and tokens[building].word in _BUILDINGS else 0


def _is_of_a_name(token: Token) -> bool:
    return bool(token.word) and token.word not in _NAMED and looked_up(token.word).noun


def _number_after(tokens: Sequence[Token], at: int) -> int:
    """The end of a building's number at this place or after marks: "двенадцать", "15а", "7 дробь 3"; 0 without one."""
    at = _after_marks(tokens, at)
    group = group_at(tokens, at) if at < len(tokens) else None
    if at < len(tokens) and tokens[at].word == "дробь":
        return _number_after(tokens, at + 1)
    if group is None or len(group.digits) > 4:
        return 0
    end = group.last + 1
    if end < len(tokens) and len(tokens[end].word) == 1 and tokens[end].start == tokens[end - 1].end:
        end += 1
    if end < len(tokens) and (tokens[end].word == "дробь" or tokens[end].text == "/"):
        return _number_after(tokens, end + 1) or end
    return end


def _is_amount(tokens: Sequence[Token], at: int) -> bool:
    """What is counted follows: "дом 5 этажей", "на пушкина 10 магазинов"."""
    if at >= len(tokens) or not tokens[at].word or tokens[at].word in _NAMED:
        return False
    return looked_up(tokens[at].word).genitive_plural


def _after_marks(tokens: Sequence[Token], at: int) -> int:
    while at < len(tokens) and tokens[at].text in _MARKS:
        at += 1
    return at
