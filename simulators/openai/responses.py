"""The forms of a successful response, by model and response_format."""

import math
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from simulators.openai.speech import Segment

JsonDict = dict[str, Any]


def usage_of(seconds: float) -> JsonDict:
    """The service bills whole seconds, rounded up."""
    return {"type": "duration", "seconds": math.ceil(seconds)}


def transcription(model: str, response_format: str, segments: list[Segment], seconds: float) -> Response:
    text = " ".join(segment.text for segment in segments)
    usage = usage_of(seconds)
    if response_format == "text":
        return PlainTextResponse(text + "\n")
    if response_format in ("srt", "vtt"):
        return PlainTextResponse(_subtitles(segments, response_format))
    if response_format == "verbose_json":
        return JSONResponse(_verbose(text, segments, seconds, usage))
    if response_format == "diarized_json":
        return JSONResponse(_diarized(text, segments, seconds, usage))
    body: JsonDict = {"text": text, "usage": usage}
    if model == "gpt-transcribe":
        body = {"text": text, "languages": [{"code": "ru"}], "usage": usage}
    return JSONResponse(body)


def _verbose(text: str, segments: list[Segment], seconds: float, usage: JsonDict) -> JsonDict:
    described = [
        {
            "id": number,
            "seek": 0,
            "start": segment.start,
            "end": segment.end,
            "text": " " + segment.text,
            "tokens": [50364],
            "temperature": 0.0,
            "avg_logprob": -0.25,
            "compression_ratio": 1.2,
            "no_speech_prob": 0.01,
        }
        for number, segment in enumerate(segments)
    ]
    body = {"task": "transcribe", "language": "russian", "duration": seconds, "text": text}
    return {**body, "segments": described, "usage": usage}


def _diarized(text: str, segments: list[Segment], seconds: float, usage: JsonDict) -> JsonDict:
    described = [
        {
            "type": "transcript.text.segment",
            "id": f"seg_{number:03d}",
            "start": segment.start,
            "end": segment.end,
            "text": segment.text,
            "speaker": "AB"[number % 2],
        }
        for number, segment in enumerate(segments)
    ]
    return {"task": "transcribe", "duration": seconds, "text": text, "segments": described, "usage": usage}


def _subtitles(segments: list[Segment], kind: str) -> str:
    mark = "," if kind == "srt" else "."
    blocks = [
        f"{number}\n{_clock(item.start, mark)} --> {_clock(item.end, mark)}\n{item.text}\n"
        for number, item in enumerate(segments, start=1)
    ]
    return ("WEBVTT\n\n" if kind == "vtt" else "") + "\n".join(blocks)


def _clock(seconds: float, mark: str) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{mark}{thousandths:03d}"
