"""Makes recognised text readable without changing a word: white space, punctuation, ends of speaker turns, loops.

Applied when a transcript is built; the stored responses are not changed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from include.speech.quality_flags import ReviewPolicy
from include.speech.recognition import RecognitionResponse, Segment
from include.speech.transcripts import Transcript, Turn

_WORD = re.compile(r"\w+")
_GROUP_WORDS = range(1, 9)  # in the repeated group of a loop, as in the flag `loop`
_SPACE_BEFORE_MARK = re.compile(r"\s+([,.!?;:…]+)(?=\s|$)")
_STRAY_START = re.compile(r"^(?:[,.;:!?…]+|[–—-])(?:\s+|$)")  # ".5" and "-5" are numbers and stay
_FULL_STOP = re.compile(r"\w[.?!…]+(?=\s|$)")
_OPEN_END = re.compile(r"[\s,;:–—-]*$")


def readable(response: RecognitionResponse, policy: ReviewPolicy) -> RecognitionResponse:
    """The response with tidied texts; `raw` is unchanged."""
    segments = (replace(segment, text=tidy(segment.text, policy)) for segment in _merged(response.segments, policy))
    return replace(response, text=tidy(response.text, policy), segments=tuple(segments))


def tidy(text: str, policy: ReviewPolicy) -> str:
    """The same words: single spaces, none before a mark, no mark at the start; a flagged loop is written once."""
    line = _SPACE_BEFORE_MARK.sub(r"\1", " ".join(text.split()))
    while (shorter := _STRAY_START.sub("", line)) != line:
        line = shorter
    return _said_once(line, policy)


def punctuated(transcript: Transcript) -> Transcript:
    """Adds a full stop to speaker turns, except where the sentence goes on in the same speaker's next turn.

    A recogniser that writes full stops and leaves one out means a fragment, so its text is not changed.
    """
    turns = transcript.turns
    if any(_FULL_STOP.search(turn.text) for turn in turns):
        return transcript
    ended = [_ended(turn) if _ends(turn, following) else turn for turn, following in pairwise([*turns, None]) if turn]
    return replace(transcript, turns=tuple(ended))


def _ends(turn: Turn, following: Turn | None) -> bool:
    return following is None or following.role != turn.role or following.text[:1].isupper()


def _ended(turn: Turn) -> Turn:
    """Only after a letter or a digit; a mark that the recogniser wrote stays."""
    said = _OPEN_END.sub("", turn.text)
    return replace(turn, text=f"{said}.") if said[-1:].isalnum() else turn


def _said_once(text: str, policy: ReviewPolicy) -> str:
    """Writes each loop, as the flag `loop` defines it, once, with the number of its repetitions."""
    while (found := _loop(list(_WORD.finditer(text)), policy)) is not None:
        first_end, loop_end, times = found
        text = f"{text[:first_end]} (×{times}){text[loop_end:]}"
    return text


def _loop(words: Sequence[re.Match[str]], policy: ReviewPolicy) -> tuple[int, int, int] | None:
    """End of the first group, end of the last one, number of groups; None without a loop."""
    said = [word.group().casefold() for word in words]
    for size in _GROUP_WORDS:
        for begin, length in _runs(said, size):
            times = length // size
            if times >= policy.loop_repeats and length >= policy.loop_words:
                return words[begin + size - 1].end(), words[begin + times * size - 1].end(), times
    return None


def _runs(words: Sequence[str], size: int) -> Iterator[tuple[int, int]]:
    """(start, length in words) of each sequence in which one group of `size` words repeats."""
    same = [words[here] == words[here - size] for here in range(size, len(words))]
    at = 0
    for equal, row in groupby(same):
        count = len(list(row))
        if equal:
            yield at, count + size
        at += count


def _merged(segments: Sequence[Segment], policy: ReviewPolicy) -> Iterator[Segment]:
    """Merges a loop of equal segments into one segment."""
    for words, group in groupby(segments, key=lambda segment: _WORD.findall(segment.text.casefold())):
        alike = list(group)
        if len(alike) >= policy.loop_repeats and len(alike) * len(words) >= policy.loop_words:
            text = f"{alike[0].text.strip()} (×{len(alike)})"
            yield replace(alike[0], end=alike[-1].end, text=text)
        else:
            yield from alike
