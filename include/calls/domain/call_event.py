"""One row of the history."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Event:
    """A row of `call_events`; `detail` is what the stage noted, without secrets but perhaps with phone numbers."""

    at: datetime
    run_id: UUID | None
    call_id: str | None
    record_id: str | None
    stage: str
    event: str
    duration_ms: int | None
    error_code: str | None
    detail: Mapping[str, Any]
