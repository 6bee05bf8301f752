"""One call as the call browser shows it: its card, text and history; who hears it is noted once."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from include.calls.domain.audit_chain import Action
from include.calls.domain.call_event import Event
from include.calls.domain.call_filter import ReaderScope
from include.calls.domain.states import RecordStatus
from include.common.postgres_session import Session

_FILE = "shown_call"
_MOST_EVENTS = 500
_ETAG_CHARS = 20


@dataclass(frozen=True, slots=True)
class ShownCall:
    """A recording in whatever status; without a text its columns are None. `text_of`: the recording it was bought for.

    `run_id`: the newest run whose period has the call.
    """

    recording_id: int
    portal_id: int
    call_id: str
    record_id: str
    call_started_at: datetime
    utc_offset_sec: int
    direction: str
    phone_line: str
    from_number: str
    to_number: str
    employee_id: str | None
    employee_name: str | None
    duration_sec: int
    status: RecordStatus
    error_code: str | None
    flags: list[str]
    tags: list[str]
    outcome: str
    raw_path: str | None
    checksum: str | None
    audio_sec: Decimal | None
    file_name: str | None
    transcript_path: str | None
    summary_path: str | None
    text_ended_at: datetime | None
    recognition_ended_at: datetime | None
    transcript_id: int | None
    text_of: int | None
    text_sha256: str | None
    language: str | None
    roles: str | None
    model: str | None
    source: str | None
    cost_usd: Decimal | None
    verdict: str | None
    verdict_comment: str | None
    checked_by: str | None
    checked_at: datetime | None
    judged_transcript_id: int | None
    held: bool
    run_id: UUID | None
    dag_run_id: str | None
    run_status: str | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", RecordStatus(self.status))

    @property
    def has_text(self) -> bool:
        return self.transcript_id is not None and self.text_ended_at is None

    @property
    def etag(self) -> str:
        """Changes with the text and with the verdict: who has not seen the newest of both may not judge."""
        seen = (self.status, self.transcript_id, self.text_sha256, self.verdict, self.verdict_comment, self.checked_at)
        return sha256(repr(seen).encode()).hexdigest()[:_ETAG_CHARS]


class Payment(NamedTuple):
    at: datetime
    purpose: str
    model: str
    usd: Decimal


class ShownCalls:
    """Reads of one recording; a call outside the scope is not there."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def card(self, recording_id: int, scope: ReaderScope, *, lock: bool = False) -> ShownCall | None:
        """`lock`: in a transaction, until its end no other reader judges the recording."""
        if lock:
            self._session.value(_FILE, "lock", recording_id=recording_id)
        found = self._session.rows(
            _FILE,
            "card",
            ShownCall,
            recording_id=recording_id,
            scope_lines=None if scope.lines is None else list(scope.lines),
            scope_employees=None if scope.employee_ids is None else list(scope.employee_ids),
        )
        return found[0] if found else None

    def body(self, transcript_id: int) -> str:
        return str(self._session.value(_FILE, "body", transcript_id=transcript_id) or "")

    def history(self, recording_id: int) -> list[Event]:
        return self._session.rows(_FILE, "history", Event, recording_id=recording_id, most=_MOST_EVENTS)

    def payments(self, recording_id: int) -> list[Payment]:
        return [Payment(*row) for row in self._session.values(_FILE, "payments", recording_id=recording_id)]

    def noted_in_hour(self, action: str, actor: str, *, most: int) -> int:
        """How often the person did it in the last hour, counted to `most`."""
        found: int = self._session.value(_FILE, "noted_in_hour", action=action, actor=actor, most=most)
        return found

    def noted_lately(self, action: Action, actor: str, recording_id: int, *, minutes: int) -> bool:
        """Whether the audit log has it already; in a transaction, under a lock that other requests wait for."""
        self._session.value(_FILE, "one_listener", actor=actor, recording_id=recording_id)
        return bool(
            self._session.value(
                _FILE, "noted_lately", action=action, actor=actor, recording_id=recording_id, minutes=minutes
            )
        )
