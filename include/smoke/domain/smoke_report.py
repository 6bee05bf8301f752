"""The report of a smoke run in the customer's shape, with more keys beside it.

Its schema is docs/specs/stt_smoke_report.schema.json.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from include.smoke.domain.comparison import Comparison
from include.smoke.domain.judgement import EntryResult
from include.speech.spoken_words import NORMALISER
from include.speech.word_errors import Errors, total

_SECONDS = 60


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """The sums of one engine's entries. Rates are errors by words of all entries, never means of files."""

    engine: str
    model: str
    stub: bool
    results: tuple[EntryResult, ...]

    @property
    def failed(self) -> tuple[EntryResult, ...]:
        return tuple(result for result in self.results if result.status == "failure")

    @property
    def errors(self) -> Errors:
        return total(result.figures.errors for result in self.results if result.figures)

    @property
    def content(self) -> Errors:
        return total(result.figures.content for result in self.results if result.figures)

    @property
    def characters(self) -> Errors:
        return total(result.figures.characters for result in self.results if result.figures)

    @property
    def cost(self) -> Decimal:
        return sum((result.cost for result in self.results), Decimal(0))

    @property
    def spent(self) -> Decimal:
        return sum((result.spent for result in self.results), Decimal(0))

    @property
    def requests(self) -> int:
        return sum(result.requests for result in self.results)

    @property
    def minutes(self) -> float:
        return sum(result.audio_sec for result in self.results) / _SECONDS

    @property
    def seconds(self) -> float:
        return sum(result.seconds for result in self.results)


@dataclass(frozen=True, slots=True)
class Before:
    """The engine's last good run of the same playlist."""

    smoke_id: str
    wer: float
    normaliser: str

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Before":
        return cls(str(data["smoke_id"]), float(data["wer"]), str(data["normaliser"]))


@dataclass(frozen=True, slots=True)
class SmokeReport:
    """`engines`: the first one is the one that is judged, the second one it is compared with."""

    smoke_id: str
    at: datetime
    playlist: str
    playlist_hash: str
    period: tuple[str, str]
    engines: tuple[EngineFigures, ...]
    before: Mapping[str, Before]
    comparison: Comparison | None
    messages: Mapping[str, str]  # Russian sentence by error code

    @property
    def failed(self) -> int:
        return sum(len(engine.failed) for engine in self.engines)

    @property
    def tested(self) -> int:
        return sum(len(engine.results) for engine in self.engines)

    def as_json(self) -> dict[str, Any]:
        first = self.engines[0]
        found = {
            "smoke_id": self.smoke_id,
            "at": self.at.isoformat(timespec="seconds"),
            "playlist": self.playlist,
            "playlist_hash": self.playlist_hash,
            "period": {"from": self.period[0], "to": self.period[1]},
            "normaliser": NORMALISER,
            **self._engine(first),
            "others": [self._engine(engine) for engine in self.engines[1:]],
        }
        return found | ({"comparison": _comparison(self.comparison)} if self.comparison else {})

    def _engine(self, engine: EngineFigures) -> dict[str, Any]:
        before = self.before.get(engine.engine)
        return {
            "engine": engine.engine,
            "model": engine.model,
            "stub": engine.stub,
            "summary": {
                "total": len(engine.results),
                "success": len(engine.results) - len(engine.failed),
                "failed": len(engine.failed),
                "duration_minutes": round(engine.minutes, 3),
                "cost_usd": float(engine.cost),
                "spent_usd": float(engine.spent),
                "requests": engine.requests,
                "seconds": round(engine.seconds, 3),
                "words": engine.errors.words,
                "errors": engine.errors.total,
                "wer": engine.errors.rate,
                "wer_content": engine.content.rate,
                "cer": engine.characters.rate,
                "wer_before": before and before.wer,
            },
            "entries": [self._entry(result) for result in engine.results],
        }

    def _entry(self, result: EntryResult) -> dict[str, Any]:
        names: dict[str, Any] = {"call_id": result.call_id, "record_id": result.record_id, "status": result.status}
        if result.error_code is not None:
            message = self.messages.get(result.error_code, result.error_code)
            names |= {"error_code": result.error_code, "error_message": message}
        if result.error_detail:
            names["error_detail"] = result.error_detail
        figures = result.figures
        if figures is None:
            return names | {"cost_usd": float(result.cost), "wer": None}
        return names | {
            "transcript_path": result.transcript_path,
            "cost_usd": float(result.cost),
            "wer": figures.errors.rate,
            "wer_content": figures.content.rate,
            "cer": figures.characters.rate,
            "role_error": figures.role_error,
            "numbers_found": figures.numbers_found,
            "words": figures.errors.words,
            "errors": figures.errors.total,
            "wer_by_role": {role: errors.rate for role, errors in figures.errors_by_role.items()},
            "flags": list(result.reasons),
            "seconds": result.seconds,
            "audio_sec": result.audio_sec,
            "requests": result.requests,
        }


def report_of(results: Mapping[str, Sequence[EntryResult]], stubs: Mapping[str, bool]) -> tuple[EngineFigures, ...]:
    """One engine's figures after another, in the order of the mapping."""
    return tuple(
        EngineFigures(engine, found[0].model if found else "", stubs[engine], tuple(found))
        for engine, found in results.items()
    )


def _comparison(found: Comparison) -> dict[str, Any]:
    return {
        "first": found.first,
        "second": found.second,
        "difference": found.difference,
        "interval": [found.low, found.high],
        "better": found.better,
        "calls": [
            {
                "call_id": call.call_id,
                "record_id": call.record_id,
                "first_wer": call.first.rate,
                "second_wer": call.second.rate,
                "only_first": list(call.only_first),
                "only_second": list(call.only_second),
            }
            for call in found.calls
        ],
        "first_cost_usd": float(found.first_cost),
        "second_cost_usd": float(found.second_cost),
        "first_seconds": round(found.first_seconds, 3),
        "second_seconds": round(found.second_seconds, 3),
    }
