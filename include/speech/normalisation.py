"""Text made readable without changing a word: white space, stray punctuation, ends of turns, loops that are flagged.

The recogniser's own answers are kept as they came; this is only how they are shown.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from include.speech.quality_flags import ReviewPolicy
from include.speech.recognition import Recognition, Segment
from include.speech.transcripts import Transcript, Turn

_WORD = re.compile(r"\w+")
_GROUP_WORDS = range(1, 9)  # of a loop, as the flag looks for them
_SPACE_BEFORE_MARK = re.compile(r"\s+([,.!?;:…]+)(?=\s|$)")
_STRAY_START = re.compile(r"^(?:[,.;:!?…]+|[–—-])(?:\s+|$)")  # ".5" and "-5" are numbers and stay
_OPEN_END = re.compile(r"[\s,;:–—-]*$")


def readable(answer: Recognition, policy: ReviewPolicy) -> Recognition:
    """The answer as people read it; what the service sent (`raw`) is untouched."""
    segments = (replace(segment, text=tidy(segment.text, policy)) for segment in _merged(answer.segments, policy))
    return replace(answer, text=tidy(answer.text, policy), segments=tuple(segments))


def tidy(text: str, policy: ReviewPolicy) -> str:
    """The same words with single spaces, none before a mark, nothing stray in front; a flagged loop said once."""
    line = _SPACE_BEFORE_MARK.sub(r"\1", " ".join(text.split()))
    while (shorter := _STRAY_START.sub("", line)) != line:
        line = shorter
    return _said_once(line, policy)


def punctuated(transcript: Transcript) -> Transcript:
    """Turns that end get a full stop; one whose sentence goes on in the same person's next turn is left open."""
    turns = transcript.turns
    ended = [_ended(turn) if _ends(turn, following) else turn for turn, following in pairwise([*turns, None]) if turn]
    return replace(transcript, turns=tuple(ended))


def _ends(turn: Turn, following: Turn | None) -> bool:
    return following is None or following.role != turn.role or following.text[:1].isupper()


def _ended(turn: Turn) -> Turn:
    """Only after a letter or a digit: whatever mark there is already, is somebody's choice."""
    said = _OPEN_END.sub("", turn.text)
    return replace(turn, text=f"{said}.") if said[-1:].isalnum() else turn


def _said_once(text: str, policy: ReviewPolicy) -> str:
    """A group of words that follows itself as often as the flag `loop` wants is said once, with its number."""
    while (found := _loop(list(_WORD.finditer(text)), policy)) is not None:
        first_end, loop_end, times = found
        text = f"{text[:first_end]} (×{times}){text[loop_end:]}"
    return text


def _loop(words: Sequence[re.Match[str]], policy: ReviewPolicy) -> tuple[int, int, int] | None:
    """Where the first group ends, where the last one does, and how many there are."""
    said = [word.group().casefold() for word in words]
    for size in _GROUP_WORDS:
        for begin, length in _runs(said, size):
            times = length // size
            if times >= policy.loop_repeats and length >= policy.loop_words:
                return words[begin + size - 1].end(), words[begin + times * size - 1].end(), times
    return None


def _runs(words: Sequence[str], size: int) -> Iterator[tuple[int, int]]:
    """(start, length in words) of each row in which a group of `size` words follows itself."""
    same = [words[here] == words[here - size] for here in range(size, len(words))]
    at = 0
    for equal, row in groupby(same):
        count = len(list(row))
        if equal:
            yield at, count + size
        at += count


def _merged(segments: Sequence[Segment], policy: ReviewPolicy) -> Iterator[Segment]:
    """A loop that comes as one segment after another, all the same, is one segment."""
    for words, group in groupby(segments, key=lambda segment: _WORD.findall(segment.text.casefold())):
        alike = list(group)
        if len(alike) >= policy.loop_repeats and len(alike) * len(words) >= policy.loop_words:
            text = f"{alike[0].text.strip()} (×{len(alike)})"
            yield replace(alike[0], end=alike[-1].end, text=text)
        else:
            yield from alike
