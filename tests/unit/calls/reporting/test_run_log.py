"""The run's log: one JSON object a line, the agreed names, no phone number."""

import io
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from include.calls.domain.call_event import Event
from include.calls.reporting.run_log import level, write_run_log

RUN_ID = UUID("0b0e7a3e-3f5c-4a53-9a0c-6d6a3c1c7b11")


def event(name="completed", error_code=None, **detail):
    return Event(
        at=datetime(2025, 8, 1, 9, 30, 0, 125000, tzinfo=UTC),
        run_id=RUN_ID,
        call_id="1001.1754478570",
        record_id="11",
        stage="transcribe",
        event=name,
        duration_ms=1500,
        error_code=error_code,
        detail=detail,
    )


def lines(*events):
    out = io.BytesIO()
    assert write_run_log(events, out, mask=lambda text: text.replace("79990000001", "***")) == len(events)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_every_event_is_one_object_with_the_agreed_names():
    (entry,) = lines(event(model="gpt-transcribe"))
    assert entry == {
        "timestamp": "2025-08-01T09:30:00.125+00:00",
        "level": "INFO",
        "module": "call_export",
        "event": "completed",
        "stage": "transcribe",
        "run_id": str(RUN_ID),
        "correlation_id": str(RUN_ID),
        "call_id": "1001.1754478570",
        "record_id": "11",
        "duration_ms": 1500,
        "error_code": None,
        "detail": {"model": "gpt-transcribe"},
    }


def test_phone_numbers_are_masked_however_deep_they_are():
    (entry,) = lines(event(reason="нет 79990000001", nested={"list": ["79990000001", 5]}))
    assert entry["detail"] == {"reason": "нет ***", "nested": {"list": ["***", 5]}}


def test_a_line_break_in_a_text_does_not_break_the_line():
    assert lines(event(reason="a\nb\u2028c"), event())[0]["detail"]["reason"] == "a\nb\u2028c"


@pytest.mark.parametrize(
    ("name", "error_code", "expected"),
    [
        ("completed", None, "INFO"),
        ("pending", "download_failed", "WARNING"),
        ("missing_audio", "missing_audio", "WARNING"),
        ("portal_refused", None, "WARNING"),
        ("error", "stt_timeout", "ERROR"),
        ("refused", None, "WARNING"),
        ("run_stopped", None, "ERROR"),
        ("moved_to_dlq", "stt_timeout", "ERROR"),
    ],
)
def test_the_level_says_whether_a_person_should_look(name, error_code, expected):
    assert level(event(name, error_code)) == expected
