"""Phone, card, passport, SNILS and INN numbers in a text, spoken or written.

A number counts by its check digits, its form, or the words beside it. A recogniser mishears digits: next to its own
word ("снилс") a number of about the right length is hidden although its check digits are wrong.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from include.common.contacts import dates_times_and_money_in, short_city_numbers_in
from include.common.personal_data.check_digits import is_card, is_inn, is_snils
from include.common.personal_data.kinds import Found, Kind
from include.common.personal_data.spoken_text import Run, Token, groups_of, runs_of
from include.common.personal_data.vocabulary import beginnings, words

# In the order in which they are tried
_CUES = {
    kind: beginnings("numbers", "cues", kind) for kind in (Kind.SNILS, Kind.INN, Kind.PASSPORT, Kind.CARD, Kind.PHONE)
}
_NOT_PERSONAL = beginnings("numbers", "impersonal")
_AMOUNTS = beginnings("numbers", "amounts")
_CHECKS = {Kind.CARD: is_card, Kind.SNILS: is_snils, Kind.INN: is_inn}
_LENGTHS = {Kind.SNILS: range(10, 13), Kind.INN: range(9, 14), Kind.PASSPORT: range(8, 12), Kind.CARD: range(13, 20)}
_LEAST_OF_A_LIST = 3
_MOST_GROUPS = 19  # a card's number digit by digit
_WORDS_BEFORE = 7
_WORDS_AFTER = 4
_CITY = 7
_LEAST_UNKNOWN = 9  # digits of a number of which nothing else is known
_LONGEST_AMOUNT = 9  # digits
_ABROAD = range(10, 16)  # digits with the country's code
_MOBILE = "9"
_CITY_SHAPES = ([3, 2, 2], [2, 2, 3], [3, 4])
_PHONE_STARTS = ("73", "74", "78", "79", "83", "84", "88", "89")
# Words that stand inside a passport's number: "45 08 номер 123456"
_PASSPORT_INNER = words("numbers", "inside_a_passport")


def numbers_in(text: str, tokens: Sequence[Token]) -> Iterator[Found]:
    groups = groups_of(tokens)
    kept_as_they_are = list(dates_times_and_money_in(text))
    kept = frozenset(
        group.first
        for group in groups
        if any(start <= tokens[group.first].start < end for start, end in kept_as_they_are)
    )
    runs = _passports_joined(list(runs_of(tokens, groups, kept)), tokens)
    found = [place for run in runs for place in _classified(run, tokens)]
    yield from found
    for start, end in short_city_numbers_in(text):
        if not any(start < other.end and other.start < end for other in found):
            yield Found(start, end, Kind.PHONE)


def _passports_joined(runs: list[Run], tokens: Sequence[Token]) -> Iterator[Run]:
    """ "4508 номер 123456" is one number."""
    waiting: Run | None = None
    for run in runs:
        if waiting is None:
            waiting = run
            continue
        between = tokens[waiting.groups[-1].last + 1 : run.groups[0].first]
        said = [token.word for token in between if token.kind != "mark"]
        if len(waiting.digits) == 4 and len(run.digits) == 6 and said and set(said) <= _PASSPORT_INNER:
            waiting = Run(waiting.groups + run.groups)
            continue
        yield waiting
        waiting = run
    if waiting:
        yield waiting


def _classified(run: Run, tokens: Sequence[Token]) -> Iterator[Found]:
    """The whole run if any part of it is personal data: what is left of it would be the rest of the number."""
    kind = (
        _kind_of(run, tokens) or _by_check_alone(run, tokens) or _kind_of_a_part(run, tokens) or _by_length(run, tokens)
    )
    if kind:
        yield from _found(run, tokens, kind)


def _kind_of_a_part(run: Run, tokens: Sequence[Token]) -> Kind | None:
    """Two numbers after each other, or one with an extension; the first and longest part decides."""
    groups = run.groups
    for at in range(len(groups)):
        for end in range(min(len(groups), at + _MOST_GROUPS), at, -1):
            part = Run(groups[at:end])
            if len(part.digits) >= _CITY and (kind := _kind_of(part, tokens)):
                return kind
    return None


def _found(run: Run, tokens: Sequence[Token], kind: Kind) -> Iterator[Found]:
    """One place, or one in each turn: a number may be said while the other person repeats it."""
    first, last = run.groups[0].first - _plus_before(run, tokens), run.groups[-1].last
    said = {at for group in run.groups for at in range(group.first, group.last + 1)} | {first}
    turn: list[int] = []
    for at in range(first, last + 1):
        if tokens[at].kind == "line":
            if turn:
                yield Found(tokens[turn[0]].start, tokens[turn[-1]].end, kind)
            turn = []
        elif at in said:
            turn.append(at)
    if turn:
        yield Found(tokens[turn[0]].start, tokens[turn[-1]].end, kind)


def _by_length(run: Run, tokens: Sequence[Token]) -> Kind | None:
    """Of a number whose check digits and form say nothing."""
    cue = _cue_of(run, tokens)
    if cue is Kind.NUMBER or _is_amount(run, tokens):
        return None
    if cue in _LENGTHS and len(run.digits) in _LENGTHS[cue]:
        return cue
    return Kind.NUMBER if len(run.digits) >= _LEAST_UNKNOWN and not _is_list(run) else None


def _kind_of(run: Run, tokens: Sequence[Token]) -> Kind | None:
    """By the words beside it and its form."""
    digits = run.digits
    cue = _cue_of(run, tokens)
    if _is_amount(run, tokens):
        return None
    if cue in _CHECKS and _CHECKS[cue](digits):
        return cue
    if cue is Kind.PASSPORT and len(digits) == 10:
        return cue
    if _is_phone(run, tokens, cue):
        return Kind.PHONE
    return None


def _by_check_alone(run: Run, tokens: Sequence[Token]) -> Kind | None:
    """Where no word says what it is: forms and lengths that hardly any other number has."""
    if _cue_of(run, tokens) is Kind.NUMBER:
        return None
    digits = run.digits
    unmistakable = {
        Kind.CARD: len(digits) == 16 and is_card(digits),
        Kind.SNILS: run.shape == [3, 3, 3, 2] and is_snils(digits),
        Kind.INN: len(digits) == 12 and is_inn(digits),
    }
    return next((kind for kind, fits in unmistakable.items() if fits), None)


def _is_phone(run: Run, tokens: Sequence[Token], cue: Kind | None) -> bool:
    digits, shape = run.digits, run.shape
    if len(digits) == 11 and digits.startswith(_PHONE_STARTS):
        return cue not in (Kind.SNILS, Kind.INN)
    if cue in (Kind.SNILS, Kind.INN, Kind.PASSPORT, Kind.CARD):
        return False
    impersonal = cue is Kind.NUMBER
    mobile = len(digits) == 10 and digits[0] == _MOBILE
    written_city = shape == [3, 2, 2] and _is_written(run, tokens)
    return (
        (_plus_before(run, tokens) and len(digits) in _ABROAD)
        or (len(digits) == 10 and cue is Kind.PHONE)
        or (mobile and (shape == [3, 3, 2, 2] or (not impersonal and shape[0] in (3, 10))))
        or (shape in _CITY_SHAPES and (cue is Kind.PHONE or (written_city and not impersonal)))
    )


def _is_written(run: Run, tokens: Sequence[Token]) -> bool:
    return all(tokens[group.first].kind == "digits" for group in run.groups)


def _plus_before(run: Run, tokens: Sequence[Token]) -> bool:
    first = run.groups[0].first
    return first > 0 and (tokens[first - 1].text == "+" or tokens[first - 1].word == "плюс")


def _cue_of(run: Run, tokens: Sequence[Token]) -> Kind | None:
    """What the nearest word before, then after, says that the number is; NUMBER: something impersonal."""
    first, last = run.groups[0].first, run.groups[-1].last
    before = [token.word for token in tokens[max(0, first - 2 * _WORDS_BEFORE) : first] if token.word][-_WORDS_BEFORE:]
    after = [token.word for token in tokens[last + 1 : last + 1 + _WORDS_AFTER] if token.word]
    weak = None
    for word in reversed(before):
        kind = _named_by(word)
        if kind is Kind.PHONE and word.startswith("номер"):
            weak = weak or kind  # "номер карты", "номер заказа": what it is a number of is said beside it
        elif kind:
            return kind
    for word in after:
        kind = _named_by(word)
        if kind and kind is not Kind.PHONE:
            return weak if kind is Kind.NUMBER else kind
    return weak


def _named_by(word: str) -> Kind | None:
    if word.startswith(_NOT_PERSONAL):
        return Kind.NUMBER
    return next((kind for kind, cues in _CUES.items() if word.startswith(cues)), None)


def _is_amount(run: Run, tokens: Sequence[Token]) -> bool:
    """A unit follows: "сто двадцать метров". No amount has ten digits."""
    if len(run.digits) > _LONGEST_AMOUNT:
        return False
    last = run.groups[-1].last
    following = tokens[last + 1].word if last + 1 < len(tokens) else ""
    return bool(following) and following.startswith(_AMOUNTS)


def _is_list(run: Run) -> bool:
    """ "10, 20, 30, 40": groups of one length that go up."""
    values = [int(group.digits) for group in run.groups]
    return (
        len(values) >= _LEAST_OF_A_LIST
        and len(set(run.shape)) == 1
        and all(low < high for low, high in pairwise(values))
    )
