"""A recogniser over HTTP that answers the numbered words it hears (`ear.py`) in the form of one real server."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import av
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from simulators.sound.ear import HeardWord, heard, segments

JsonDict = dict[str, Any]
Answer = Callable[[list[HeardWord], float], JsonDict]
_NANO = 10**9


@dataclass(frozen=True, slots=True)
class Sent:
    """One request's audio as it arrived."""

    filename: str
    size: int
    seconds: float


@dataclass
class HearingRecogniser:
    """`dialect` is a key of DIALECTS. `sent` grows with each request."""

    dialect: str
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
            return JSONResponse(await run_in_threadpool(self.answer, audio, name))
        except (av.FFmpegError, ValueError):
            message = "The audio file could not be decoded or its format is not supported."
            return JSONResponse({"error": {"message": message, "type": "invalid_request_error", "code": None}}, 400)

    def answer(self, audio: bytes, name: str) -> JsonDict:
        """The body of a good answer. Raises av.FFmpegError or ValueError for what is no audio."""
        words, seconds = heard(audio)
        self.sent.append(Sent(name, len(audio), seconds))
        return DIALECTS[self.dialect](words, seconds)


def text_of(words: list[HeardWord]) -> str:
    return " ".join(str(word.number) for word in words)


def _bare_text(words: list[HeardWord], seconds: float) -> JsonDict:
    return {"text": text_of(words), "languages": [{"code": "ru"}], "usage": _usage(seconds)}


def _whisper_1(words: list[HeardWord], seconds: float) -> JsonDict:
    described = [
        {"id": number, "seek": 0, **_plain(group), "tokens": [50364], "temperature": 0.0, "avg_logprob": -0.25,
         "compression_ratio": 1.2, "no_speech_prob": 0.01}
        for number, group in enumerate(segments(words))
    ]  # fmt: skip
    body = {"task": "transcribe", "language": "russian", "duration": seconds, "text": text_of(words)}
    return {**body, "segments": described, "usage": _usage(seconds)}


def _speaches(words: list[HeardWord], seconds: float) -> JsonDict:
    """A code for the language, words inside the segments, no usage."""
    described = [
        {"id": number, "seek": 0, **_plain(group), "tokens": [], "temperature": 0.0, "avg_logprob": -0.2,
         "compression_ratio": 1.1, "no_speech_prob": 0.0,
         "words": [{"start": word.start, "end": word.end, "word": f" {word.number}", "probability": 0.9,
                    "speaker": None} for word in group]}
        for number, group in enumerate(segments(words), start=1)
    ]  # fmt: skip
    body = {"task": "transcribe", "language": "ru", "duration": seconds, "text": text_of(words)}
    return {**body, "words": None, "segments": described}


def _vllm(words: list[HeardWord], seconds: float) -> JsonDict:
    """The duration is text; neither task nor usage."""
    described = [
        {"id": number, "seek": 0, **_plain(group), "tokens": [], "temperature": 0.0, "avg_logprob": -0.2,
         "compression_ratio": 1.1, "no_speech_prob": None}
        for number, group in enumerate(segments(words))
    ]  # fmt: skip
    body = {"duration": str(seconds), "language": "ru", "text": text_of(words)}
    return {**body, "segments": described, "words": None}


def _whisper_cpp(words: list[HeardWord], seconds: float) -> JsonDict:
    """Its own names for the language, line feeds between the segments."""
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


def _localai(words: list[HeardWord], _seconds: float) -> JsonDict:
    """Older builds: nanoseconds, no language, no duration."""
    described = [
        {"id": number, "start": round(group[0].start * _NANO), "end": round(group[-1].end * _NANO),
         "text": text_of(group), "tokens": []}
        for number, group in enumerate(segments(words))
    ]  # fmt: skip
    return {"segments": described, "text": text_of(words)}


def _diarized(words: list[HeardWord], seconds: float) -> JsonDict:
    """One speaker: who speaks is no matter of this recogniser."""
    described = [
        {"type": "transcript.text.segment", "id": f"seg_{number:03d}", **_plain(group), "speaker": "A"}
        for number, group in enumerate(segments(words))
    ]
    body = {"task": "transcribe", "duration": seconds, "text": text_of(words)}
    return {**body, "segments": described, "usage": _usage(seconds)}


def _plain(group: list[HeardWord]) -> JsonDict:
    return {"start": group[0].start, "end": group[-1].end, "text": f" {text_of(group)}"}


def _usage(seconds: float) -> JsonDict:
    return {"type": "duration", "seconds": math.ceil(seconds)}


DIALECTS: dict[str, Answer] = {
    "gpt-transcribe": _bare_text,
    "whisper-1": _whisper_1,
    "speaches": _speaches,
    "vllm": _vllm,
    "whisper.cpp": _whisper_cpp,
    "localai": _localai,
    "diarized": _diarized,
}
