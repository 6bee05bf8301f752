"""One answer of the recogniser, in one form whatever server and dialect it came from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


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
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Recognition":
        """The reverse of `as_json`; raises KeyError or TypeError where `data` is something else."""
        return cls(**{**data, "segments": tuple(Segment(**segment) for segment in data["segments"])})
