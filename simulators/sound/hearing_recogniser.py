"""A recogniser over HTTP that reads numbered words (`word_reader.py`) and responds in the dialect of a real server."""

import hashlib
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import av
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from simulators.sound.word_reader import ReadWord, read_words, segments

JsonDict = dict[str, Any]
Dialect = Callable[[list[ReadWord], float], JsonDict]
_NANO = 10**9
_NO_WORD = 10**6  # no recording has so many words


@dataclass(frozen=True, slots=True)
class Sent:
    """The audio of one request as received."""

    filename: str
    size: int
    seconds: float


@dataclass
class HearingRecogniser:
    """`dialect` is a key of DIALECTS. `sent` has an entry for each request.

    `mistakes`: the share of words that are heard as other ones; which, depends on the audio's bytes and on `seed`.
    """

    dialect: str
    mistakes: float = 0.0
    seed: int = 0
    sent: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._app = Starlette(routes=[Route("/v1/audio/transcriptions", self._transcribe, methods=["POST"])])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def _transcribe(self, request: Request) -> JSONResponse:
        async with request.form() as form:
            upload = form["file"]
            assert isinstance(upload, UploadFile)
            audio, name = await upload.read(), upload.filename or ""
        try:
            return JSONResponse(await run_in_threadpool(self.respond, audio, name))
        except (av.FFmpegError, ValueError):
            message = "The audio file could not be decoded or its format is not supported."
            return JSONResponse({"error": {"message": message, "type": "invalid_request_error", "code": None}}, 400)

    def respond(self, audio: bytes, name: str) -> JsonDict:
        """The body of a successful response. Raises av.FFmpegError or ValueError if it is not audio."""
        words, seconds = read_words(audio)
        if self.mistakes:
            rng = random.Random(f"{self.seed} {hashlib.sha256(audio).hexdigest()}")
            words = [_misheard(word) if rng.random() < self.mistakes else word for word in words]
        self.sent.append(Sent(name, len(audio), seconds))
        return DIALECTS[self.dialect](words, seconds)


def _misheard(word: ReadWord) -> ReadWord:
    return replace(word, number=word.number + _NO_WORD)


def text_of(words: list[ReadWord]) -> str:
    return " ".join(str(word.number) for word in words)


def _bare_text(words: list[ReadWord], seconds: float) -> JsonDict:
    return {"text": text_of(words), "languages": [{"code": "ru"}], "usage": _usage(seconds)}


def _whisper_1(words: list[ReadWord], seconds: float) -> JsonDict:
    described = [
        {"id": number, "seek": 0, **_plain(group), "tokens": [50364], "temperature": 0.0, "avg_logprob": -0.25,
         "compression_ratio": 1.2, "no_speech_prob": 0.01}
        for number, group in enumerate(segments(words))
    ]  # fmt: skip
    body = {"task": "transcribe", "language": "russian", "duration": seconds, "text": text_of(words)}
    return {**body, "segments": described, "usage": _usage(seconds)}


def _speaches(words: list[ReadWord], seconds: float) -> JsonDict:
    """The language is a code, segments hold words, no usage."""
    described = [
        {"id": number, "seek": 0, **_plain(group), "tokens": [], "temperature": 0.0, "avg_logprob": -0.2,
         "compression_ratio": 1.1, "no_speech_prob": 0.0,
         "words": [{"start": word.start, "end": word.end, "word": f" {word.number}", "probability": 0.9,
                    "speaker": None} for word in group]}
        for number, group in enumerate(segments(words), start=1)
    ]  # fmt: skip
    body = {"task": "transcribe", "language": "ru", "duration": seconds, "text": text_of(words)}
    return {**body, "words": None, "segments": described}


def _vllm(words: list[ReadWord], seconds: float) -> JsonDict:
    """The duration is text; no task, no usage."""
    described = [
        {"id": number, "seek": 0, **_plain(group), "tokens": [], "temperature": 0.0, "avg_logprob": -0.2,
         "compression_ratio": 1.1, "no_speech_prob": None}
        for number, group in enumerate(segments(words))
    ]  # fmt: skip
    body = {"duration": str(seconds), "language": "ru", "text": text_of(words)}
    return {**body, "segments": described, "words": None}


def _whisper_cpp(words: list[ReadWord], seconds: float) -> JsonDict:
    """Other field names for the language, line feeds between segments."""
    grouped = segments(words)
    described = [
        {"id": number, **_plain(group), "tokens": [], "temperature": 0.0, "avg_logprob": -0.2, "no_speech_prob": 0.0,
         "words": [{"word": f" {word.number}", "start": word.start, "end": word.end, "t_dtw": -1, "probability": 0.9}
                   for word in group]}
        for number, group in enumerate(grouped)
    ]  # fmt: skip
    return {
        "task": "transcribe",
        "language": "russian",
        "duration": seconds,
        "text": "".join(f" {text_of(group)}\n" for group in grouped),
        "segments": described,
        "detected_language": "russian",
        "detected_language_probability": 0.99,
        "language_probabilities": {"ru": 0.99},
    }


def _localai(words: list[ReadWord], _seconds: float) -> JsonDict:
    """Older builds: times in nanoseconds, no language, no duration."""
    described = [
        {"id": number, "start": round(group[0].start * _NANO), "end": round(group[-1].end * _NANO),
         "text": text_of(group), "tokens": []}
        for number, group in enumerate(segments(words))
    ]  # fmt: skip
    return {"segments": described, "text": text_of(words)}


def _diarized(words: list[ReadWord], seconds: float) -> JsonDict:
    """Always one speaker: this recogniser does not separate speakers."""
    described = [
        {"type": "transcript.text.segment", "id": f"seg_{number:03d}", **_plain(group), "speaker": "A"}
        for number, group in enumerate(segments(words))
    ]
    body = {"task": "transcribe", "duration": seconds, "text": text_of(words)}
    return {**body, "segments": described, "usage": _usage(seconds)}


def _plain(group: list[ReadWord]) -> JsonDict:
    return {"start": group[0].start, "end": group[-1].end, "text": f" {text_of(group)}"}


def _usage(seconds: float) -> JsonDict:
    return {"type": "duration", "seconds": math.ceil(seconds)}


DIALECTS: dict[str, Dialect] = {
    "gpt-transcribe": _bare_text,
    "whisper-1": _whisper_1,
    "speaches": _speaches,
    "vllm": _vllm,
    "whisper.cpp": _whisper_cpp,
    "localai": _localai,
    "diarized": _diarized,
}
