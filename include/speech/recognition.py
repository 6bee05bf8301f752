"""Answers of the recogniser, in one form whatever server and dialect they came from."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any, Literal

from include.speech.cuts import Cut, Piece

Source = Literal["recogniser", "portal"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the answer; seconds from the start of the piece that was sent."""

    start: float
    end: float
    text: str
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Recognition:
    """`language` is ISO 639-1 or None where the service named none. `raw` is the answer as it came.

    `usage` is the service's own account of what it bills, in its own form; empty where it gives none.
    """

    text: str
    segments: tuple[Segment, ...]
    language: str | None
    usage: Mapping[str, Any]
    model: str
    request_id: str | None
    raw: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """For writing only: what is JSON already is not copied."""
        whole = {field.name: getattr(self, field.name) for field in fields(self)}
        return whole | {"segments": [asdict(segment) for segment in self.segments]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Recognition":
        """The reverse of `as_json`; raises KeyError or TypeError where `data` is something else."""
        return cls(**{**data, "segments": tuple(Segment(**segment) for segment in data["segments"])})


@dataclass(frozen=True, slots=True)
class Recognised:
    """Everything that is known of one recording's words: what a text is built, and rebuilt, from without paying.

    `first` has an answer for every piece of the cut; `second` are the fallback model's answers to some of them.
    """

    cut: Cut
    model: str
    first: Mapping[Piece, Recognition]
    second: Mapping[Piece, Recognition]
    source: Source = "recogniser"

    def as_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "cut": self.cut.as_json(),
            "model": self.model,
            "answers": self._numbered(self.first),
            "fallback_answers": self._numbered(self.second),
        }

    def _numbered(self, answers: Mapping[Piece, Recognition]) -> list[list[Any]]:
        return [[n, answers[piece].as_json()] for n, piece in enumerate(self.cut.pieces) if piece in answers]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Recognised":
        """The reverse of `as_json`; raises KeyError, TypeError, ValueError or IndexError for something else."""
        cut = Cut.from_json(data["cut"])

        def read(numbered: Iterable[Any]) -> dict[Piece, Recognition]:
            return {cut.pieces[number]: Recognition.from_json(answer) for number, answer in numbered}

        first = read(data["answers"])
        if first.keys() != set(cut.pieces):
            raise ValueError("not every piece of the cut has its answer")
        return cls(cut, data["model"], first, read(data.get("fallback_answers", ())), data.get("source", "recogniser"))


def confidence_of(answers: Iterable[Recognition]) -> Decimal | None:
    """The recogniser's own confidence, 0 to 1: the mean probability of its tokens; None where its model gives none.

    Never a reason for a flag (D23): only some models give it. It is kept for people who compare.
    """
    figures = [figure for answer in answers for figure in _logprobs(answer.raw)]
    weight = sum(seconds for _, seconds in figures)
    if not weight:
        return None
    mean = sum(logprob * seconds for logprob, seconds in figures) / weight
    return round(Decimal(str(min(1.0, math.exp(mean)))), 4)


def _logprobs(raw: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    """(mean log probability, weight): of segments by their length, else of tokens, each alike."""
    for segment in _dicts(raw.get("segments")):
        logprob, start, end = (_number(segment.get(name)) for name in ("avg_logprob", "start", "end"))
        if logprob is not None and start is not None and end is not None and end > start:
            yield logprob, end - start
    for token in _dicts(raw.get("logprobs")):
        if (logprob := _number(token.get("logprob"))) is not None:
            yield logprob, 1.0


def _dicts(listed: Any) -> list[Mapping[str, Any]]:
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _number(value: Any) -> float | None:
    """Finite and no bool; a log probability above zero is nobody's, and `exp` would be more than certain."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
