"""One entry at one engine: by the product's own cut, client, fallback and assembly, then judged."""

import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from include.clients.storage.base import Storage
from include.common.errors import ErrorCode, ExportError, StopRun
from include.common.temporary_folders import temporary_folder
from include.smoke.domain.engine import Engine
from include.smoke.domain.judgement import EntryResult, SmokeCode, compared, missed
from include.smoke.domain.playlist import Entry
from include.smoke.steps.prepare import EntryUnusable, SmokeRun, audio_of, expected_lines, prepared, responses_folder
from include.speech.checked_text import CheckedText, checked_text
from include.speech.cuts import Cut, Piece
from include.speech.fallback import TranscriptReview
from include.speech.quality_flags import ReviewPolicy
from include.speech.recognition import Recognition, RecognitionResponse
from include.speech.recognition_client import Recogniser
from include.speech.request_order import Send, Sound, recognised
from include.speech.transcript_lines import read_lines, render_turns

RecogniserOf = Callable[[Engine, str], Recogniser]  # an engine and one of its models


@dataclass(frozen=True, slots=True)
class Services:
    """What the steps work on."""

    storage: Storage
    recogniser_of: RecogniserOf
    review: ReviewPolicy


@dataclass(slots=True)
class _Bought:
    """What the responses of one entry took: `seconds` when they were made, `requests` those of them sent now."""

    folder: str
    services: Services
    seconds: float = 0.0
    requests: int = 0
    saved: dict[str, Any] = field(default_factory=dict)

    def load(self) -> None:
        for key in self.services.storage.keys(self.folder):
            kept = json.loads(self.services.storage.get_bytes(key))
            self.saved[key.removeprefix(self.folder).removesuffix(".json")] = kept

    def responses(self, model: str) -> dict[str, Any]:
        prefix = f"{_safe(model)}-"
        return {
            name.removeprefix(prefix): kept["response"] for name, kept in self.saved.items() if name.startswith(prefix)
        }

    def buy(self, model: str, piece: Piece, key: str, send: Send) -> RecognitionResponse:
        _ = piece
        began = time.monotonic()
        response = send()
        kept = {"response": response.as_json(), "seconds": round(time.monotonic() - began, 3)}
        self.requests += 1
        name = f"{_safe(model)}-{key}"
        self.saved[name] = kept
        data = json.dumps(kept, ensure_ascii=False).encode()
        self.services.storage.put_bytes(f"{self.folder}{name}.json", data, "application/json")
        return response


def hear_entry(run: SmokeRun, number: int, engine: Engine, services: Services) -> EntryResult:
    """Stores the result and the text. Raises StopRun if every other entry would fail too."""
    entry = run.entries[number]
    try:
        result = _heard(run, number, entry, engine, services)
    except StopRun:
        raise
    except EntryUnusable as error:
        result = _failed(entry, engine, error.smoke_code, str(error))
    except ExportError as error:
        result = _ended(entry, engine, error.code, str(error))
    data = json.dumps(result.as_json(), ensure_ascii=False).encode()
    services.storage.put_bytes(result_key(run, engine, number), data, "application/json")
    return result


def result_key(run: SmokeRun, engine: Engine, number: int) -> str:
    return run.key("results", engine.name, f"{number:04}.json")


def result_of(run: SmokeRun, engine: Engine, number: int, storage: Storage) -> EntryResult:
    return EntryResult.from_json(json.loads(storage.get_bytes(result_key(run, engine, number))))


def _heard(run: SmokeRun, number: int, entry: Entry, engine: Engine, services: Services) -> EntryResult:
    found = prepared(run, number, services.storage)
    if found.code in set(SmokeCode):
        return _failed(entry, engine, found.code, found.detail)
    if found.cut is None:
        return _ended(entry, engine, found.code, found.detail)
    bought = _Bought(responses_folder(entry, engine), services)
    if not run.fresh:
        bought.load()
    recognition, text = _text(run, entry, engine, found.cut, bought)
    path = run.key("transcripts", engine.name, f"{entry.call_id}_{entry.record_id}.txt")
    body = render_turns(text.transcript)
    services.storage.put_bytes(path, body.encode(), "text/plain; charset=utf-8")
    return _judged(run, entry, engine, recognition, text, body, path, bought)


def _text(run: SmokeRun, entry: Entry, engine: Engine, cut: Cut, bought: _Bought) -> tuple[Recognition, CheckedText]:
    review = TranscriptReview(engine.hints.languages, bought.services.review)
    with temporary_folder() as folder:
        sound = Sound(audio_of(run, entry), cut, folder)
        first = _ask(engine, engine.model, sound, cut.pieces, bought)
        doubtful = review.doubtful_pieces(cut, first) if engine.fallback_model else ()
        second = _ask(engine, engine.fallback_model, sound, doubtful, bought) if doubtful else {}
    recognition = Recognition(cut, engine.model, first, second)
    return recognition, checked_text(recognition, review, entry.operator_channel)


def _ask(
    engine: Engine, model: str, sound: Sound, pieces: Collection[Piece], bought: _Bought
) -> dict[Piece, RecognitionResponse]:
    with bought.services.recogniser_of(engine, model) as recogniser:
        found = recognised(
            recogniser,
            sound,
            pieces,
            engine.hints,
            saved=bought.responses(model),
            buy=lambda piece, key, send: bought.buy(model, piece, key, send),
        )
        return dict(found)


def _judged(
    run: SmokeRun,
    entry: Entry,
    engine: Engine,
    recognition: Recognition,
    text: CheckedText,
    body: str,
    path: str,
    bought: _Bought,
) -> EntryResult:
    seconds = sum(kept["seconds"] for kept in bought.saved.values())
    audio_sec = recognition.cut.info.seconds
    again = sum(piece.seconds for piece in recognition.fallback_responses)
    cost = engine.cost(audio_sec, again) if recognition.cut.pieces else engine.cost(0.0)
    expected, said = expected_lines(run, entry), read_lines(body)
    figures = None if entry.expect_error else compared(expected, said)
    code: str | None = SmokeCode.UNEXPECTED_SUCCESS
    if figures is not None:
        code = missed(figures, run.playlist.thresholds_of(entry), cost=cost, seconds=seconds, audio_sec=audio_sec)
    return EntryResult(
        engine=engine.name,
        model=text.transcript.model,
        call_id=entry.call_id,
        record_id=entry.record_id,
        status="failure" if code else "success",
        error_code=code,
        figures=figures,
        reasons=tuple(text.review_reasons),
        seconds=round(seconds, 3),
        audio_sec=audio_sec,
        cost=cost,
        spent=cost if bought.requests else engine.cost(0.0),
        requests=bought.requests,
        transcript_path=path,
        expected=expected,
        said=said,
    )


def _ended(entry: Entry, engine: Engine, code: str, detail: str) -> EntryResult:
    """An error of the product: right if it is exactly the one that the playlist expects."""
    if entry.expect_error is not None and entry.expect_error == ErrorCode(code):
        return EntryResult(engine.name, engine.model, entry.call_id, entry.record_id, "success", error_detail=detail)
    return _failed(entry, engine, code, detail)


def _failed(entry: Entry, engine: Engine, code: str, detail: str) -> EntryResult:
    return EntryResult(engine.name, engine.model, entry.call_id, entry.record_id, "failure", code, detail)


def _safe(model: str) -> str:
    return "".join(char if char.isalnum() or char in "._" else "_" for char in model)
