"""Every response of every server becomes a text or an error of ours. The bodies are those of real servers."""

import json
from typing import Any

import pytest

from include.clients.openai.client import retry_after
from include.common.errors import (
    AccessDenied,
    ErrorCode,
    ExportError,
    NotConfigured,
    Permanent,
    QuotaExhausted,
    ServerFault,
    Temporary,
    Throttled,
)
from include.common.wording.problems import PROBLEMS
from include.speech.recogniser_responses import error_of, read_response
from include.speech.recognition import RecognitionResponse, Segment


def read(body: Any) -> RecognitionResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_response(data, model="m", request_id="req_1", headers={})


def error(status: int, headers: dict[str, str] | None = None, **inner: Any) -> ExportError:
    return error_of(status, json.dumps({"error": inner}).encode(), model="whisper-1", headers=headers or {})


def test_gpt_transcribe() -> None:
    found = read({"text": "Да.", "languages": [{"code": "ru"}], "usage": {"type": "duration", "seconds": 9}})
    assert (found.text, found.language, found.segments) == ("Да.", "ru", ())
    assert found.usage == {"type": "duration", "seconds": 9}
    assert found.request_id == "req_1"


def test_a_response_may_name_no_language() -> None:
    assert read({"text": "Да.", "languages": []}).language is None


def test_whisper_1_names_the_language_in_english() -> None:
    found = read(
        {
            "text": " Да.",
            "language": "russian",
            "duration": 8.47,
            "segments": [{"start": 0, "end": 2.5, "text": " Да."}],
        }
    )
    assert (found.language, found.segments) == ("ru", (Segment(0, 2.5, " Да."),))


def test_vllm_writes_the_duration_as_text() -> None:
    found = read(
        {
            "text": "Да.",
            "language": "ru",
            "duration": "8.47",
            "segments": [{"start": 0.0, "end": 1.0, "text": "Да.", "no_speech_prob": None}],
        }
    )
    assert found.segments == (Segment(0, 1, "Да."),)
    assert found.usage == {}


def test_speaches_has_words_and_no_usage() -> None:
    found = read(
        {
            "text": "Да.",
            "language": "ru",
            "words": None,
            "segments": [{"start": 0.1, "end": 1.0, "text": "Да.", "words": []}],
        }
    )
    assert (found.language, found.usage) == ("ru", {})


def test_whisper_cpp_detects_a_language_under_another_name() -> None:
    assert read({"text": "Да.", "detected_language": "russian", "detected_language_probability": 0.9}).language == "ru"


def test_localai_counts_nanoseconds() -> None:
    found = read(
        {
            "text": "a b",
            "segments": [
                {"start": 0, "end": 1_500_000_000, "text": "a"},
                {"start": 1_500_000_000, "end": 3_000_000_000, "text": "b"},
            ],
        }
    )
    assert [(segment.start, segment.end) for segment in found.segments] == [(0, 1.5), (1.5, 3.0)]


def test_diarized() -> None:
    found = read(
        {
            "text": "a",
            "segments": [
                {"type": "transcript.text.segment", "id": "seg_1", "start": 0, "end": 1, "text": "a", "speaker": "A"}
            ],
        }
    )
    assert found.segments[0].speaker == "A"


@pytest.mark.parametrize(
    "segments",
    [
        None,
        "x",
        [],
        [None],
        [{"text": "a"}],
        [{"start": "x", "end": None, "text": "a"}],
        [{"start": 0, "end": 1, "text": ""}],
    ],
)
def test_unusable_segments_leave_the_text(segments: Any) -> None:
    found = read({"text": "a", "segments": segments})
    assert (found.text, found.segments) == ("a", ())


def test_what_postgresql_cannot_store_is_removed() -> None:
    found = read(b'{"text": "a\\u0000b\\ud800", "segments": [{"start": 0, "end": 1, "text": "a", "avg_logprob": NaN}]}')
    assert found.text == "ab?"
    assert json.loads(json.dumps(found.as_json(), allow_nan=False))["raw"]["segments"][0]["avg_logprob"] is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><title>504</title></html>",
        b'"text"',
        b"[]",
        b"\xff\xfe",
        b"{",
        b"[" * 100_000,
        {},
        {"text": None},
        {"text": 5},
        {"error": {"message": "busy"}},
    ],
)
def test_a_200_without_a_text_is_temporary(body: Any) -> None:
    with pytest.raises(Temporary) as caught:
        read(body)
    assert caught.value.code is ErrorCode.STT_UNAVAILABLE


def test_an_error_inside_a_200_is_raised() -> None:
    with pytest.raises(QuotaExhausted):
        read({"error": {"message": "no money", "type": "insufficient_quota"}})
    with pytest.raises(Permanent):
        read({"error": {"message": "bad file", "type": "invalid_request_error"}})


@pytest.mark.parametrize("field", ["type", "code"])
@pytest.mark.parametrize(
    "word",
    [
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
    ],
)
def test_an_empty_account_by_type_or_code(field: str, word: str) -> None:
    assert isinstance(error(429, message="You exceeded your current quota", **{field: word}), QuotaExhausted)


@pytest.mark.parametrize(
    ("status", "inner", "kind", "code"),
    [
        (401, {"code": "invalid_api_key"}, AccessDenied, ErrorCode.INTERNAL),
        (403, {}, AccessDenied, ErrorCode.INTERNAL),
        (407, {}, AccessDenied, ErrorCode.INTERNAL),
        (404, {"code": "model_not_found"}, NotConfigured, ErrorCode.INTERNAL),
        (400, {"param": "model"}, NotConfigured, ErrorCode.INTERNAL),
        (400, {"code": "invalid_value"}, Permanent, ErrorCode.STT_REJECTED),
        (413, {"type": "server_error"}, Permanent, ErrorCode.STT_REJECTED),
        (422, {}, Permanent, ErrorCode.STT_REJECTED),
        (408, {}, Temporary, ErrorCode.STT_TIMEOUT),
        (504, {}, Temporary, ErrorCode.STT_TIMEOUT),
        (409, {}, Temporary, ErrorCode.STT_UNAVAILABLE),
        (500, {"type": "server_error"}, ServerFault, ErrorCode.STT_UNAVAILABLE),
        (502, {}, Temporary, ErrorCode.STT_UNAVAILABLE),
        (503, {"code": "server_is_overloaded"}, Temporary, ErrorCode.STT_UNAVAILABLE),
        (429, {"type": "service_unavailable_error"}, Temporary, ErrorCode.STT_UNAVAILABLE),
        (429, {"type": "requests", "code": "rate_limit_exceeded"}, Throttled, ErrorCode.STT_UNAVAILABLE),
        (429, {"type": "rate_limit_error", "code": "slow_down"}, Throttled, ErrorCode.STT_UNAVAILABLE),
        (503, {"code": "slow_down"}, Throttled, ErrorCode.STT_UNAVAILABLE),
        (429, {}, Throttled, ErrorCode.STT_UNAVAILABLE),
    ],
)  # fmt: skip
def test_errors(status: int, inner: dict[str, Any], kind: type[ExportError], code: ErrorCode) -> None:
    found = error(status, message="why", **inner)
    assert (type(found), found.code) == (kind, code)


def test_the_message_names_the_setting() -> None:
    assert "OPENAI_API_KEY" in str(error(401))
    assert "STT_MODEL" in str(error(404, code="model_not_found"))
    assert "CHATGPT_PROXY_URL" in str(error(407))


@pytest.mark.parametrize(
    ("found", "named"),
    [
        (error(401), "OPENAI_API_KEY"),
        (error(403), "CHATGPT_PROXY_URL"),
        (error(407), "CHATGPT_PROXY_URL"),
        (error(402), "лимит трат"),
        (error(404), "модель whisper-1"),
    ],
)
def test_an_error_that_stops_the_run_has_a_russian_sentence(found: ExportError, named: str) -> None:
    assert named in PROBLEMS[found.problem].format(**found.facts)


@pytest.mark.parametrize(
    "body", [b"<html>413</html>", b'{"detail": "too large"}', b'{"error": "too large"}', b"", b"null"]
)
def test_any_body_of_a_413(body: bytes) -> None:
    assert isinstance(error_of(413, body, model="m", headers={}), Permanent)


@pytest.mark.parametrize(
    "secret", ["sk-proj-0oJ1Kabcd_EFGH", "sk-0oJ1K****cMnE", "Bearer abc.def", "https://user:pw@proxy.example/x"]
)
def test_the_service_s_message_is_passed_on_without_secrets(secret: str) -> None:
    text = str(error(400, message=f"wrong: {secret}\n" + "x" * 1000))
    assert text.startswith("the recogniser refused the recording with 400: wrong: (")
    assert not any(part in text for part in ("0oJ1K", "abc.def", "pw"))
    assert len(text) < 400
    assert "\n" not in text


@pytest.mark.parametrize(
    ("headers", "message", "wait"),
    [
        ({"retry-after": "20"}, "", 20.0),
        ({"retry-after": "20", "retry-after-ms": "1500"}, "", 1.5),
        ({"retry-after": "Fri, 20 Nov 2026 10:00:30 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}, "", 30.0),
        ({"retry-after": "Fri, 20 Nov 2026 09:00:30 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}, "", 0.0),
        ({"retry-after": "soon"}, "", None),
        ({"retry-after": "-5"}, "", None),
        ({"retry-after": "inf"}, "", None),
        ({"retry-after-ms": "nan"}, "", None),
        ({"retry-after": "1e400"}, "", None),
        ({}, "Requested 1. Please try again in 20s. Visit", 20.0),
        ({}, "Please try again in 350ms.", 0.35),
        ({}, "Please try again in 1.5m", 90.0),
        ({}, "Please try again in 1.2.3s", None),
        ({}, "Please try again later.", None),
    ],
)
def test_seconds_to_wait(headers: dict[str, str], message: str, wait: float | None) -> None:
    assert retry_after(headers, message) == wait


def test_the_wait_is_passed_on() -> None:
    found = error(429, {"retry-after": "7"}, code="rate_limit_exceeded")
    assert isinstance(found, Throttled)
    assert found.retry_after == 7.0
