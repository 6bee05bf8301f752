"""An OpenAI-compatible recogniser on loopback: a real Whisper model behind `/v1/audio/transcriptions`.

    python -m trials.real_recogniser.server --model <folder> --responses <folder>

Responses are kept by the sha256 of audio, model and options: a second run of the trial costs no recognition. A
response's `seconds_taken` is how long it took when it was made. The first line of output is the URL as JSON.
"""

import argparse
import hashlib
import io
import json
import math
import time
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Any

import av
import faster_whisper
import numpy as np
import numpy.typing as npt
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from simulators.kit.serving import serve

JsonDict = dict[str, Any]
MODELS = ("whisper-1", "whisper-base")  # the names under which the one model can be asked, each with its profile
_RATE = 16_000
_MIN_SECONDS = 0.1
_FORMATS = ("json", "text", "verbose_json")


class Refused(Exception):
    """A request that the server refuses, in the vendor's form."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.param, self.code = status, param, code

    def response(self) -> JSONResponse:
        error = {"message": str(self), "type": "invalid_request_error", "param": self.param, "code": self.code}
        return JSONResponse({"error": error}, self.status)


class RealRecogniser:
    """One request at a time: the model uses all cores for each."""

    def __init__(self, model_folder: Path, responses: Path, *, threads: int) -> None:
        self._model = faster_whisper.WhisperModel(
            str(model_folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
        )
        self._name, self._responses, self._lock = model_folder.name, responses, Lock()
        responses.mkdir(parents=True, exist_ok=True)
        self.app = Starlette(
            routes=[
                Route("/v1/audio/transcriptions", self._transcribe, methods=["POST"]),
                Route("/v1/models", self._models, methods=["GET"]),
            ]
        )

    async def _models(self, _request: Request) -> Response:
        listed = [{"id": name, "object": "model", "owned_by": "trial"} for name in MODELS]
        return JSONResponse({"object": "list", "data": listed})

    async def _transcribe(self, request: Request) -> Response:
        try:
            async with request.form() as form:
                upload = form.get("file")
                if not isinstance(upload, UploadFile):
                    raise Refused(400, "you must provide a file", param="file")
                audio, options = await upload.read(), _options(form)
            found = await run_in_threadpool(self._kept_or_made, audio, options)
        except Refused as refused:
            return refused.response()
        if options["response_format"] == "text":
            return PlainTextResponse(found["text"] + "\n")
        if options["response_format"] == "json":
            found = {name: found[name] for name in ("text", "usage", "seconds_taken")}
        return JSONResponse(found)

    def _kept_or_made(self, audio: bytes, options: JsonDict) -> JsonDict:
        asked = {name: options[name] for name in ("language", "prompt", "words")}
        key = hashlib.sha256(audio + json.dumps([self._name, asked], sort_keys=True).encode()).hexdigest()
        kept = self._responses / f"{key}.json"
        with self._lock:
            if not kept.exists():
                began = time.monotonic()
                found = self._recognised(audio, asked)
                made = found | {"seconds_taken": round(time.monotonic() - began, 3)}
                written = kept.with_suffix(".part")
                written.write_text(json.dumps(made, ensure_ascii=False), encoding="utf-8")
                written.rename(kept)
            return dict(json.loads(kept.read_text(encoding="utf-8")))

    def _recognised(self, audio: bytes, asked: JsonDict) -> JsonDict:
        samples = _decoded(audio)
        length = len(samples) / _RATE
        if length < _MIN_SECONDS:
            raise Refused(400, "Audio file is too short. Minimum audio length is 0.1 seconds.", param="file")
        segments, info = self._model.transcribe(
            samples, language=asked["language"], initial_prompt=asked["prompt"], word_timestamps=asked["words"]
        )
        described = [_segment(number, segment) for number, segment in enumerate(segments)]
        body = {
            "task": "transcribe",
            "language": info.language,
            "duration": length,
            "text": "".join(segment["text"] for segment in described).strip(),
            "segments": described,
            "usage": {"type": "duration", "seconds": math.ceil(length)},
        }
        return body | ({"words": _words(described)} if asked["words"] else {})


def _options(form: FormData) -> JsonDict:
    model, wanted = str(form.get("model") or ""), str(form.get("response_format") or "json")
    if model not in MODELS:
        raise Refused(404, f"The model `{model}` does not exist", param="model", code="model_not_found")
    if wanted not in _FORMATS:
        raise Refused(400, f"response_format '{wanted}' is not supported", param="response_format")
    granularities = form.getlist("timestamp_granularities[]")
    return {
        "response_format": wanted,
        "language": str(form["language"]) if form.get("language") else None,
        "prompt": str(form["prompt"]) if form.get("prompt") else None,
        "words": "word" in granularities,
    }


def _decoded(audio: bytes) -> npt.NDArray[np.float32]:
    try:
        with av.open(io.BytesIO(audio), "r") as container:
            if not container.streams.audio:
                raise Refused(400, "The audio file could not be decoded or its format is not supported.", param="file")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE)
            frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
            parts = [frame.to_ndarray()[0] for frame in (*frames, *resampler.resample(None))]
    except av.FFmpegError:
        raise Refused(
            400, "The audio file could not be decoded or its format is not supported.", param="file"
        ) from None
    samples = np.concatenate(parts) if parts else np.zeros(0, np.int16)
    return samples.astype(np.float32) / np.float32(32768)


def _segment(number: int, segment: Any) -> JsonDict:
    described = {
        "id": number,
        "seek": segment.seek,
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text,
        "tokens": segment.tokens,
        "temperature": segment.temperature,
        "avg_logprob": segment.avg_logprob,
        "compression_ratio": segment.compression_ratio,
        "no_speech_prob": segment.no_speech_prob,
    }
    if segment.words:
        words = [{"word": w.word, "start": float(w.start), "end": float(w.end)} for w in segment.words]
        described["words"] = words
    return described


def _words(segments: Iterable[JsonDict]) -> list[JsonDict]:
    return [word for segment in segments for word in segment.get("words", ())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--responses", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    serve(RealRecogniser(given.model, given.responses, threads=given.threads).app, given.port)


if __name__ == "__main__":
    main()
