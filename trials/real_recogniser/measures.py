"""What the trial measures: word errors, words at seams, inventions, time codes, rank correlation."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from include.speech.cuts import Piece
from include.speech.word_errors import Errors, Step, alignment, word_errors
from trials.real_recogniser.recordings import words
from trials.real_recogniser.road import Heard

SHORT_SEC = 1.0
_SEAM_WORDS = 2  # on each side of a seam a lost word counts as lost there
_DOUBLED_WORDS = 4  # the longest group that is looked for on both sides


@dataclass(frozen=True, slots=True)
class Whole:
    """The recogniser's own work on one whole channel: its text and the times of its words."""

    text: str
    words: tuple[tuple[str, float, float], ...]  # normalised word, start, end
    seconds_taken: float


def whole_of(body: dict[str, Any]) -> Whole:
    timed = tuple(
        (part, float(word["start"]), float(word["end"]))
        for word in body.get("words", ())
        for part in words(str(word["word"]))
    )
    return Whole(str(body["text"]), timed, float(body["seconds_taken"]))


def errors(truth: str, said: str) -> Errors:
    return word_errors(words(truth), words(said))


@dataclass(frozen=True, slots=True)
class Seams:
    """Between neighbouring pieces of a channel. Words lost there count only if the whole recording has them."""

    count: int
    doubled: tuple[str, ...]
    lost: tuple[str, ...]


def seams(heard: Heard, channel: int | None, truth: str, whole: str) -> Seams:
    said = [words(heard.responses[piece].text) for piece in heard.pieces(channel)]
    spoken = [one for one in said if one]
    joined, reference = [word for one in spoken for word in one], words(truth)
    steps = alignment(reference, joined)
    inserted = {step.hypothesis for step in steps if step.kind == "insert"}
    known = {step.reference for step in alignment(reference, words(whole)) if step.kind == "equal"}
    doubled, lost, place = list[str](), list[str](), 0
    for before, after in pairwise(spoken):
        place += len(before)
        doubled += _doubled(before, after, place, inserted)
        lost += [reference[at] for at in _deleted_around(steps, place) if at in known]
    return Seams(max(0, len(spoken) - 1), tuple(doubled), tuple(lost))


def _doubled(before: Sequence[str], after: Sequence[str], place: int, inserted: set[int | None]) -> list[str]:
    for size in range(min(_DOUBLED_WORDS, len(before), len(after)), 0, -1):
        both = {*range(place - size, place)}, {*range(place, place + size)}
        if before[-size:] == after[:size] and any(side <= inserted for side in both):
            return [" ".join(after[:size])]
    return []


def _deleted_around(steps: Sequence[Step], place: int) -> list[int]:
    """References of the deletions that stand between the last words before a seam and the first ones after it."""
    spoken = [number for number, step in enumerate(steps) if step.hypothesis is not None]
    first, last = max(0, place - _SEAM_WORDS), min(len(spoken) - 1, place + _SEAM_WORDS - 1)
    inside = steps[spoken[first] : spoken[last] + 1]
    return [step.reference for step in inside if step.kind == "delete" and step.reference is not None]


@dataclass(frozen=True, slots=True)
class Invention:
    """The text of a short piece of which no word is in the truth at that place."""

    piece: Piece
    text: str
    flagged: bool


def inventions(heard: Heard, channel: int | None, truth: str) -> tuple[int, int, list[Invention]]:
    """(short pieces, empty ones among them, invented ones)."""
    said = [(piece, words(heard.responses[piece].text)) for piece in heard.pieces(channel)]
    joined = [word for _, spoken in said for word in spoken]
    right = {step.hypothesis for step in alignment(words(truth), joined) if step.kind == "equal"}
    short, empty, invented, place = 0, 0, list[Invention](), 0
    for piece, spoken in said:
        if piece.seconds < SHORT_SEC:
            short += 1
            empty += not spoken
            if spoken and not right & {*range(place, place + len(spoken))}:
                text = heard.responses[piece].text.strip()
                invented.append(Invention(piece, text, bool(heard.doubts(piece)) or heard.text.needs_review))
        place += len(spoken)
    return short, empty, invented


@dataclass(frozen=True, slots=True)
class Times:
    """Distances in seconds between a turn's times and those of the same words in the whole recording."""

    starts: tuple[float, ...]
    ends: tuple[float, ...]

    def __add__(self, other: "Times") -> "Times":
        return Times(self.starts + other.starts, self.ends + other.ends)


def times(heard: Heard, channel: int | None, whole: Whole) -> Times:
    """Turns whose first (or last) word is heard alike in both; the model's own times are the reference."""
    spans, said = list[tuple[float, float, int, int]](), list[str]()
    for turn in heard.turns(channel):
        spoken = words(turn.text)
        if spoken:
            spans.append((turn.start, turn.end, len(said), len(said) + len(spoken) - 1))
            said += spoken
    alike = {
        step.hypothesis: whole.words[step.reference]
        for step in alignment([word for word, _, _ in whole.words], said)
        if step.kind == "equal" and step.reference is not None
    }
    starts = [abs(start - alike[first][1]) for start, _, first, _ in spans if first in alike]
    ends = [abs(end - alike[last][2]) for _, end, _, last in spans if last in alike]
    return Times(tuple(starts), tuple(ends))


def figures(distances: Sequence[float]) -> tuple[float, float, float]:
    """Mean, median, 95th percentile."""
    if len(distances) < 2:
        one = distances[0] if distances else 0.0
        return one, one, one
    return statistics.mean(distances), statistics.median(distances), statistics.quantiles(distances, n=20)[-1]


def spearman(pairs: Sequence[tuple[float, float]]) -> float:
    """The rank correlation; equal values share their mean rank."""
    return statistics.correlation(*(_ranks([pair[side] for pair in pairs]) for side in (0, 1)))


def _ranks(values: Sequence[float]) -> list[float]:
    return [(sum(other < one for other in values) + sum(other <= one for other in values) - 1) / 2 for one in values]
