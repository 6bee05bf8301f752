"""The run's log as a file: the run's events, one JSON object a line, phone numbers masked."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO

from include.calls.domain.call_event import Event
from include.calls.domain.states import RecordStatus, RunStatus

MODULE = "call_export"  # by which a collector of several systems' logs selects ours
_WARNINGS = frozenset(
    {"portal_refused", "low_rate_on", "bad_row", "rows_read_in_part", "portal_clock_differs", "audio_changed",
     "refused", "approval_timed_out", "not_notified", "fallback_failed", "portal_texts_failed",
     str(RecordStatus.MISSING_AUDIO)}
)  # fmt: skip
_ERRORS = frozenset({str(RecordStatus.ERROR), str(RunStatus.ERROR), "moved_to_dlq", "run_stopped"})


def write_run_log(events: Iterable[Event], out: BinaryIO, *, mask: Callable[[str], str]) -> int:
    """Writes the events as they come and returns their number; `mask` hides phone numbers in any text.

    Ids stay unmasked: they join this log to the registry, and their digits are no phone numbers.
    """
    count = 0
    for event in events:
        line = json.dumps(_entry(event, mask), ensure_ascii=False, separators=(",", ":"))
        out.write(line.encode() + b"\n")
        count += 1
    return count


def level(event: Event) -> str:
    """ERROR where work was given up, WARNING where it will be tried again or an operator should know."""
    if event.event in _ERRORS:
        return "ERROR"
    return "WARNING" if event.error_code or event.event in _WARNINGS else "INFO"


def _entry(event: Event, mask: Callable[[str], str]) -> dict[str, Any]:
    run_id = str(event.run_id) if event.run_id else None
    return {
        "timestamp": event.at.isoformat(timespec="milliseconds"),
        "level": level(event),
        "module": MODULE,
        "event": event.event,
        "stage": event.stage,
        "run_id": run_id,
        "correlation_id": run_id,
        "call_id": event.call_id,
        "record_id": event.record_id,
        "duration_ms": event.duration_ms,
        "error_code": event.error_code,
        "detail": _masked(event.detail, mask),
    }


def _masked(value: Any, mask: Callable[[str], str]) -> Any:
    match value:
        case str():
            return mask(value)
        case Mapping():
            return {key: _masked(item, mask) for key, item in value.items()}
        case list():
            return [_masked(item, mask) for item in value]
        case _:
            return value
