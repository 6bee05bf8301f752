"""Names of people in a text, also without capital letters and marks.

A word that is nothing but a name ("анна") counts by itself. One that is an everyday word as well ("роман", "вера")
counts where the words beside it introduce a person; then it counts everywhere in the text.
"""

from collections.abc import Iterator, Sequence

from include.common.personal_data.kinds import Found, Kind
from include.common.personal_data.morphology import Word, looked_up
from include.common.personal_data.spoken_text import Token
from include.common.personal_data.vocabulary import phrases, words

# How likely a reading must be
_SURE = 0.6
_LIKELY = 0.3
_POSSIBLE = 0.05
_RARELY_ELSE = 0.2
_SHORTEST = 2  # letters

_SMALL_WORDS = words("names", "small_words")
_OF_ONESELF = words("names", "of_oneself")
_INTRODUCES = words("names", "introduce")
_THEN_A_PERSON = words("names", "then_a_person")
_BEFORE_A_PERSON = _INTRODUCES | _THEN_A_PERSON
_FOLLOWS_A_PERSON = words("names", "after_a_person")
_NAMES_A_THING = words("names", "things")
_THING_FOLLOWS = words("names", "after_a_thing")
_TITLES = phrases("names", "titles")
_OF_TITLES = frozenset().union(*_TITLES)
_BEFORE_A_PLACE = words("names", "before_a_place")
_ON = words("names", "before_a_street")


def names_in(tokens: Sequence[Token], taken: Sequence[Found]) -> Iterator[Found]:
    """The names outside the places that are `taken`."""
    free = [bool(token.word) and not any(found.start <= token.start < found.end for found in taken) for token in tokens]
    readings = [
        looked_up(token.word) if is_free and len(token.word) >= _SHORTEST else None
        for token, is_free in zip(tokens, free, strict=True)
    ]
    cased = _is_cased(tokens)
    sure = {at for at in range(len(tokens)) if readings[at] and _is_name(at, tokens, readings, cased=cased)}
    sure |= _beside(sure, tokens, readings, cased=cased)
    lemmas = {lemma for at in sure for lemma in _lemmas(readings[at])}
    sure |= {
        at
        for at, word in enumerate(readings)
        if word
        and word.person >= _POSSIBLE
        and word.lemmas & lemmas
        and not _is_a_thing(at, tokens)
        and not _is_street(at, tokens, word)
    }
    yield from _joined(sorted(sure), tokens)


def _lemmas(word: Word | None) -> frozenset[str]:
    return word.lemmas if word else frozenset()


def _is_name(at: int, tokens: Sequence[Token], readings: Sequence[Word | None], *, cased: bool) -> bool:
    word = readings[at]
    assert word is not None
    if _is_a_thing(at, tokens):
        return False
    introduced = _is_introduced(at, tokens, word)
    if word.known and word.patronymic < _SURE and word.first >= _SURE and word.other <= _RARELY_ELSE:
        return not (word.place > 0 and _neighbour(tokens, at, -1) in _BEFORE_A_PLACE)
    return (
        (word.known and word.patronymic >= _SURE)
        or (word.known and word.first >= _POSSIBLE and (introduced or _is_addressed(at, tokens, word)))
        or (word.known and word.first >= _POSSIBLE and _has_patronymic(at, readings))
        or (_is_surname(word) and len(tokens[at].word) > 3 and (introduced or not _is_street(at, tokens, word)))
        or (word.last >= _LIKELY and introduced)
        or (cased and _is_capital(tokens[at]) and not _begins(at, tokens) and word.person >= _LIKELY)
    )


def _is_surname(word: Word) -> bool:
    return word.known and word.last >= _SURE and not word.adjective


def _is_introduced(at: int, tokens: Sequence[Token], word: Word) -> bool:
    before, earlier = _neighbour(tokens, at, -1), _neighbour(tokens, at, -2)
    likely = word.first >= _POSSIBLE or word.last >= _LIKELY
    return (
        before in _INTRODUCES
        or (before == "меня" and earlier == "зовут")
        or (before in _SMALL_WORDS and earlier in _BEFORE_A_PERSON and word.other < 0.6)
        or (before in _OF_ONESELF and word.other < 0.5)
        or (before in _THEN_A_PERSON and likely and word.other < 0.8)
    )


def _is_addressed(at: int, tokens: Sequence[Token], word: Word) -> bool:
    """The person who listens: before a mark at the beginning, or before what is said to people."""
    alone = _begins(at, tokens) and at + 1 < len(tokens) and tokens[at + 1].text in (",", ".", "…")
    addressed = alone or _neighbour(tokens, at, +1) in _FOLLOWS_A_PERSON
    return addressed and "nomn" in word.cases and word.other < 0.8


def _has_patronymic(at: int, readings: Sequence[Word | None]) -> bool:
    following = readings[at + 1] if at + 1 < len(readings) else None
    return following is not None and following.patronymic >= _SURE


def _beside(sure: set[int], tokens: Sequence[Token], readings: Sequence[Word | None], *, cased: bool) -> set[int]:
    """Surnames, first names and patronymics next to a name, on both sides, three readings at most."""
    found: set[int] = set()
    for at in sure:
        for step in (-1, +1):
            here = at + step
            while (
                0 <= here < len(tokens)
                and here not in sure
                and abs(here - at) <= 2
                and _goes_with(here, tokens, readings, cased)
            ):
                found.add(here)
                here += step
    return found


def _goes_with(at: int, tokens: Sequence[Token], readings: Sequence[Word | None], cased: bool) -> bool:
    word = readings[at]
    if word is None or _is_a_thing(at, tokens):
        return False
    if cased and not _is_capital(tokens[at]):
        return False
    if not word.known:
        return word.last >= _LIKELY or (cased and _is_capital(tokens[at]) and not _begins(at, tokens))
    return word.person >= 0.2


def _is_a_thing(at: int, tokens: Sequence[Token]) -> bool:
    """The name of something: "вино мария", "книга анна каренина", "иван чай"."""
    before = _neighbour(tokens, at, -1)
    if before in _NAMES_A_THING:
        return True
    if before and _neighbour(tokens, at, -2) in _NAMES_A_THING and looked_up(before).first >= _SURE:
        return True
    if _neighbour(tokens, at, +1) in _THING_FOLLOWS:
        return True
    return tokens[at].word in _OF_TITLES and any(_is_within(at, title, tokens) for title in _TITLES)


def _is_within(at: int, title: Sequence[str], tokens: Sequence[Token]) -> bool:
    """Whether the word is one of this title, whose other words stand around it."""
    places = [place for place, word in enumerate(title) if word == tokens[at].word]
    return any(
        all(_neighbour(tokens, at, other - place) == word for other, word in enumerate(title) if other != place)
        for place in places
    )


def _is_street(at: int, tokens: Sequence[Token], word: Word) -> bool:
    """A surname in the genitive that names a place: "на ленина"."""
    return "gent" in word.cases and word.last > 0 and _neighbour(tokens, at, -1) in _ON


def _neighbour(tokens: Sequence[Token], at: int, step: int) -> str:
    """The word that many readings away in the same turn; marks count as nothing between."""
    here, left = at, abs(step)
    while left:
        here += 1 if step > 0 else -1
        if not 0 <= here < len(tokens) or tokens[here].kind == "line":
            return ""
        if tokens[here].word or tokens[here].kind == "digits":
            left -= 1
    return tokens[here].word


def _is_cased(tokens: Sequence[Token]) -> bool:
    """Whether capital letters mean something in this text."""
    return any(_is_capital(token) for token in tokens)


def _is_capital(token: Token) -> bool:
    return bool(token.word) and token.text[:1].isupper()


def _begins(at: int, tokens: Sequence[Token]) -> bool:
    """Whether a sentence begins here."""
    return at == 0 or tokens[at - 1].kind == "line" or tokens[at - 1].text in (".", "!", "?", "…", ":", "«", "—")


def _joined(sure: Sequence[int], tokens: Sequence[Token]) -> Iterator[Found]:
    """Words of one name as one place."""
    first = last = -2
    for at in [*sure, len(tokens) + 2]:
        if at != last + 1:
            if last >= 0:
                yield Found(tokens[first].start, tokens[last].end, Kind.NAME)
            first = at
        last = at
