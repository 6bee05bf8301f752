"""Who of the speakers is the operator, by what they say.

A diarizing model tells voices apart, not roles. Signs are phrases that one side says and the other does not, the
company's name, and who speaks first on a call of that direction. Where the signs are too few or contradict each other,
a speaker keeps its number: a guessed role is worse than none.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from include.speech.transcripts import CLIENT, OPERATOR, UNKNOWN, Transcript, Turn

_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
_ALIKE = {0x451: 0x435}  # the letter IO is written as IE by most people
_NAME_SIGNS = 2  # a client says the company's name too, but rarely in the first words
_FIRST_TURNS = 3  # of a speaker, in which the company's name is a sign
_ANSWERED_BY_US = frozenset({"inbound"})


@dataclass(frozen=True, slots=True)
class SpeakerSigns:
    """Word lists and the least number of signs. The area that uses them sets the values (calls: `policy.yaml`)."""

    company_names: Sequence[str]
    operator_phrases: Sequence[str]
    client_phrases: Sequence[str]
    enough: int

    def of(self, turns: Sequence[str]) -> int:
        """Signs of an operator less signs of a client in the turns of one speaker; each phrase counts once."""
        said = _spoken(turns)
        return (
            _NAME_SIGNS * self._names_the_company(turns[:_FIRST_TURNS])
            + sum(_spoken([phrase]) in said for phrase in self.operator_phrases)
            - sum(_spoken([phrase]) in said for phrase in self.client_phrases)
        )

    def _names_the_company(self, turns: Sequence[str]) -> bool:
        """Not with a question: "Это «Ромашка»?" is what a client asks."""
        for sentence in _SENTENCE.findall(" ".join(turns)):
            words = _spoken([sentence])
            asks = sentence.rstrip().endswith("?") and not any(_spoken([own]) in words for own in self.operator_phrases)
            if not asks and any(_spoken([name]) in words for name in self.company_names if name):
                return True
        return False


@dataclass(frozen=True, slots=True)
class FoundRoles:
    """A transcript with the roles that were found. `signs`: the fewest that decided on a speaker; None if none did."""

    transcript: Transcript
    signs: int | None


def with_roles(transcript: Transcript, direction: str, signs: SpeakerSigns) -> FoundRoles:
    """Speakers of a diarized transcript as OPERATOR and CLIENT where the signs suffice.

    The model names speakers anew in each piece (`1`, `2`, then `2.1`, `2.2`), so each piece is decided for itself.
    """
    if transcript.roles != "diarized":
        return FoundRoles(transcript, None)
    found, fewest = dict[str, str](), list[int]()
    for turns in _by_piece(transcript.turns):
        roles, margin = _roles(turns, direction, signs)
        found |= roles
        fewest += [margin] if roles else []
    if not found:
        return FoundRoles(transcript, None)
    named = tuple(replace(turn, role=found.get(turn.role, turn.role)) for turn in transcript.turns)
    return FoundRoles(replace(transcript, turns=named, roles="evidence"), min(fewest))


def sounds_swapped(
    operator: Sequence[str], client: Sequence[str], *, client_is_first: bool, signs: SpeakerSigns
) -> bool:
    """Whether the channels of an incoming call seem to be swapped: the "client" has more signs of an operator.

    One call proves nothing; the report speaks of a phone line if most of its calls sound so.
    """
    return signs.of(client) + client_is_first > signs.of(operator) + (not client_is_first)


def _roles(turns: Sequence[Turn], direction: str, signs: SpeakerSigns) -> tuple[dict[str, str], int]:
    """Roles by label and the signs that decided; no roles if they do not suffice."""
    said: dict[str, list[str]] = {}
    for turn in turns:
        if turn.role != UNKNOWN:
            said.setdefault(turn.role, []).append(turn.text)
    by_words = {label: signs.of(texts) for label, texts in said.items()}
    if len(said) == 2:
        first, second = said
        inbound = direction in _ANSWERED_BY_US
        lead = by_words[first] - by_words[second]
        # the words must say the same as the order, and the order alone says nothing
        margin = lead + (1 if inbound else -1) if lead else 0
        if abs(margin) >= signs.enough and margin * lead > 0:
            operator, client = (first, second) if margin > 0 else (second, first)
            return {operator: OPERATOR, client: CLIENT}, abs(margin)
        return {}, 0
    # one voice, or a call that was passed on: only those who are evident by themselves
    roles = {
        label: OPERATOR if score > 0 else CLIENT for label, score in by_words.items() if abs(score) >= signs.enough
    }
    return roles, min((abs(by_words[label]) for label in roles), default=0)


def _by_piece(turns: Iterable[Turn]) -> list[list[Turn]]:
    pieces: dict[str, list[Turn]] = {}
    for turn in turns:
        number, _, label = turn.role.rpartition(".")
        pieces.setdefault(number if label else "", []).append(turn)
    return list(pieces.values())


def _spoken(texts: Iterable[str]) -> str:
    """Only the words, so that a phrase is found whatever its punctuation; a space on both sides of each."""
    words = _WORD.findall(" ".join(texts).casefold().translate(_ALIKE))
    return f" {' '.join(words)} "
