"""Reads and checks a response of the recogniser: returns a RecognitionResponse or translates it to an error of ours.

Compatible servers differ in details: durations as text, languages as names, times in nanoseconds, no usage. Proxies and
maintenance pages respond with HTML and status 200; they must not be stored as the text of a call.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from include.clients.openai.client import OUT_OF_MONEY, PROXY_REFUSES, retry_after
from include.common.errors import (
    AccessDenied,
    ErrorCode,
    ExportError,
    NotConfigured,
    Permanent,
    QuotaExhausted,
    ServerFault,
    StopRun,
    Temporary,
    Throttled,
)
from include.speech.languages import language_code
from include.speech.recognition import RecognitionResponse, Segment

_SLOWER = frozenset({"rate_limit_exceeded", "rate_limit_error", "slow_down"})
_OVERLOADED = frozenset({"server_is_overloaded", "service_unavailable_error"})
_NANOSECONDS_FROM = 1e6  # as seconds it would be a piece of twelve days
_MAX_MESSAGE = 300
_KEY_LIKE = re.compile(r"\b(?:sk|key|sess)-[\w*.-]+|Bearer\s+\S+", re.IGNORECASE)
_URL_LIKE = re.compile(r"\bhttps?://\S+", re.IGNORECASE)

_UNAVAILABLE = "the recogniser is not available"
_DENIED = {  # status -> message, problem
    401: (
        "the recogniser refuses the key: check OPENAI_API_KEY, for the fallback model STT_FALLBACK_API_KEY",
        "recogniser_refuses_key",
    ),
    403: (
        "the recogniser refuses this key or country: check the key's rights, OPENAI_API_KEY and CHATGPT_PROXY_URL",
        "recogniser_denies_access",
    ),
    407: (PROXY_REFUSES, "proxy_refuses"),
}


def read_response(
    body: bytes, *, model: str, request_id: str | None, headers: Mapping[str, str]
) -> RecognitionResponse:
    """Reads the body of a 200. Raises Temporary(stt_unavailable) if it is no transcription, or the error inside it."""
    data = _json(body)
    if not isinstance(data, dict):
        raise Temporary(
            f"{_UNAVAILABLE}: it responded with a page instead of a text; check OPENAI_BASE_URL if this goes on",
            code=ErrorCode.STT_UNAVAILABLE,
        )
    text = data.get("text")
    if not isinstance(text, str):
        raise error_of(200, body, model=model, headers=headers)
    return RecognitionResponse(
        text=text,
        segments=_segments(data.get("segments")),
        language=_language(data),
        usage=data["usage"] if isinstance(data.get("usage"), dict) else {},
        model=model,
        request_id=request_id,
        raw=data,
    )


def error_of(status: int, body: bytes, *, model: str, headers: Mapping[str, str]) -> ExportError:
    """The product's error for a refused request. The service's message is shortened; keys and addresses are removed."""
    inner = _inner_error(body)
    kinds = {str(inner.get("type")), str(inner.get("code"))}
    message = _clean(inner.get("message"))
    return _stops_the_run(status, kinds, inner.get("param"), model) or _this_request(
        status, kinds, message, retry_after(headers, message)
    )


def _stops_the_run(status: int, kinds: set[str], param: object, model: str) -> StopRun | None:
    """The error if every other recording would be refused too."""
    if kinds & OUT_OF_MONEY or status == 402:
        return QuotaExhausted(
            "the recogniser's account is out of money or over its spending limit; top it up, then resume the run",
            problem="recogniser_out_of_money",
        )
    if status in _DENIED or "invalid_api_key" in kinds:
        message, problem = _DENIED.get(status, _DENIED[401])
        return AccessDenied(message, problem=problem)
    if "model_not_found" in kinds or status == 404 or (status == 400 and param == "model"):
        return NotConfigured(
            f"the recogniser does not know the model {model!r}, or there is no recogniser at that address;"
            " check STT_MODEL and OPENAI_BASE_URL",
            problem="unknown_stt_model",
            model=model,
        )
    return None


def _this_request(status: int, kinds: set[str], message: str, wait: float | None) -> ExportError:
    if kinds & _SLOWER or (status == 429 and not kinds & _OVERLOADED):
        return Throttled("the recogniser asks to slow down", code=ErrorCode.STT_UNAVAILABLE, retry_after=wait)
    if status in (408, 504):
        return Temporary(f"the recogniser responded {status}: it ran out of time", code=ErrorCode.STT_TIMEOUT)
    if (400 <= status < 500 and status not in (409, 425, 429)) or (status < 300 and "invalid_request_error" in kinds):
        return Permanent(f"the recogniser refused the recording with {status}: {message}", code=ErrorCode.STT_REJECTED)
    kind = ServerFault if status == 500 else Temporary
    return kind(f"{_UNAVAILABLE}: it responded {status}, {message}", code=ErrorCode.STT_UNAVAILABLE, retry_after=wait)


def _json(body: bytes) -> Any:
    """The parsed body, None if it is not JSON. Without NaN, NUL and lone surrogates, which PostgreSQL cannot store."""
    try:
        return _storable(json.loads(body, parse_constant=lambda _name: None))
    except (ValueError, RecursionError):
        return None


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "").encode(errors="replace").decode()
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(item) for name, item in value.items()}
    return value


def _inner_error(body: bytes) -> Mapping[str, Any]:
    """The `error` object. Some servers put its fields at the top level, or send only `detail`."""
    data = _json(body)
    if not isinstance(data, dict):
        return {}
    inner = data.get("error", data)
    if isinstance(inner, dict):
        return {**inner, "message": inner.get("message") or inner.get("detail")}
    return {"message": inner}


def _clean(message: Any) -> str:
    text = " ".join(str(message).split()) if message else "no explanation"
    return _URL_LIKE.sub("(address)", _KEY_LIKE.sub("(key)", text))[:_MAX_MESSAGE]


def _language(data: Mapping[str, Any]) -> str | None:
    """ISO 639-1 from `languages: [{code}]`, `language` or `detected_language`, each a code or an English name."""
    listed = data.get("languages")
    first = listed[0] if isinstance(listed, list) and listed else None
    named = (first.get("code") if isinstance(first, dict) else first) or data.get("language")
    named = named or data.get("detected_language")
    return language_code(named) if isinstance(named, str) else None


def _segments(listed: Any) -> tuple[Segment, ...]:
    """Segments with a text, times in seconds. Empty if any of them has no time."""
    if not isinstance(listed, list):
        return ()
    spoken = [item for item in listed if isinstance(item, dict) and str(item.get("text") or "").strip()]
    times = [(_number(item.get("start")), _number(item.get("end"))) for item in spoken]
    if any(start is None or end is None for start, end in times):
        return ()
    known = [(start or 0.0, end or 0.0) for start, end in times]
    unit = 1e-9 if any(end > _NANOSECONDS_FROM for _, end in known) else 1.0
    return tuple(
        Segment(start * unit, end * unit, str(item["text"]), _speaker(item))
        for item, (start, end) in zip(spoken, known, strict=True)
    )


def _speaker(item: Mapping[str, Any]) -> str | None:
    speaker = item.get("speaker")
    return str(speaker) if speaker not in (None, "") else None


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
