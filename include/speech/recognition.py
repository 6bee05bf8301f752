"""Responses of the recogniser, in one form for every server and API dialect."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any, Literal

from include.speech.cuts import Cut, Piece

Source = Literal["recogniser", "portal"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the response; seconds from the start of the piece that was sent."""

    start: float
    end: float
    text: str
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class RecognitionResponse:
    """The response to one piece. `raw` is the body as received.

    `language` is ISO 639-1, or None if the service named none. `usage` is the service's own billing record, in its own
    form; empty if the service sends none.
    """

    text: str
    segments: tuple[Segment, ...]
    language: str | None
    usage: Mapping[str, Any]
    model: str
    request_id: str | None
    raw: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """For writing only: parts that are JSON already are not copied."""
        whole = {field.name: getattr(self, field.name) for field in fields(self)}
        return whole | {"segments": [asdict(segment) for segment in self.segments]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "RecognitionResponse":
        """The reverse of `as_json`. Raises KeyError or TypeError for other data."""
        return cls(**{**data, "segments": tuple(Segment(**segment) for segment in data["segments"])})


@dataclass(frozen=True, slots=True)
class Recognition:
    """The stored responses and the cut of one recording; the text is built, and rebuilt, from them without paying.

    `responses` has one for every piece of the cut. `fallback_responses` are the fallback model's, for some pieces.
    """

    cut: Cut
    model: str
    responses: Mapping[Piece, RecognitionResponse]
    fallback_responses: Mapping[Piece, RecognitionResponse]
    source: Source = "recogniser"

    def as_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "cut": self.cut.as_json(),
            "model": self.model,
            "answers": self._numbered(self.responses),
            "fallback_answers": self._numbered(self.fallback_responses),
        }

    def _numbered(self, responses: Mapping[Piece, RecognitionResponse]) -> list[list[Any]]:
        return [[n, responses[piece].as_json()] for n, piece in enumerate(self.cut.pieces) if piece in responses]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Recognition":
        """The reverse of `as_json`. Raises KeyError, TypeError, ValueError or IndexError for other data."""
        cut = Cut.from_json(data["cut"])

        def read(numbered: Iterable[Any]) -> dict[Piece, RecognitionResponse]:
            return {cut.pieces[number]: RecognitionResponse.from_json(response) for number, response in numbered}

        responses = read(data["answers"])
        if responses.keys() != set(cut.pieces):
            raise ValueError("a piece of the cut has no response")
        fallback_responses = read(data.get("fallback_answers", ()))
        return cls(cut, data["model"], responses, fallback_responses, data.get("source", "recogniser"))


@dataclass(frozen=True, slots=True)
class SegmentConfidence:
    """A segment with the mean log probability of its tokens."""

    text: str
    seconds: float
    logprob: float


def segment_confidences(raw: Mapping[str, Any]) -> list[SegmentConfidence]:
    """Of the segments with a text, a length and a log probability, in order; empty if the model gives none."""
    found = []
    for segment in _dicts(raw.get("segments")):
        logprob, start, end = (_number(segment.get(name)) for name in ("avg_logprob", "start", "end"))
        text = segment.get("text")
        if logprob is not None and start is not None and end is not None and end > start and isinstance(text, str):
            found.append(SegmentConfidence(text, end - start, logprob))
    return found


def confidence_of(responses: Iterable[RecognitionResponse]) -> Decimal | None:
    """The recogniser's own confidence, 0 to 1: the mean probability of its tokens. None if the model gives none.

    Only some models give it, so it is compared within one model only.
    """
    figures = [figure for response in responses for figure in _logprobs(response.raw)]
    weight = sum(seconds for _, seconds in figures)
    if not weight:
        return None
    mean = sum(logprob * seconds for logprob, seconds in figures) / weight
    return round(Decimal(str(min(1.0, math.exp(mean)))), 4)


def _logprobs(raw: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    """(mean log probability, weight): of segments, weighted by length; of tokens, each with weight 1."""
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
    """The value as a float, or None if it is not a finite number."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
