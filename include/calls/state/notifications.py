"""Notifications sent to people, remembered in `call_events`, so that one process sends each of them once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from include.calls.domain.stages import Stage
from include.common.postgres_session import Session

_FILE = "notifications"


@dataclass(frozen=True, slots=True)
class LowRateSwitch:
    """`event_id` is the occasion; `until` is UTC; `refusals` are the portal's in the quarter of an hour before."""

    event_id: int
    forced: bool
    until: datetime | None
    refusals: int


@dataclass(frozen=True, slots=True)
class RunEnd:
    """`event_id` is the occasion; `verdict` is the sentence with which the run was closed."""

    event_id: int
    verdict: str


@dataclass(frozen=True, slots=True)
class NewDeadLetters:
    """Recordings that went into the DLQ since the last message about it; `up_to` is the event of the last one."""

    up_to: int
    moved: int


class Notifications:
    """The occasions for a message. Use a session of its own: a message never delays the work that it is about."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def once(self, occasion: str, send: Callable[[], bool], *, run_id: UUID | None, kind: str, up_to: int = 0) -> bool:
        """Calls `send` unless it was called for this occasion before, or another process does it now; True if it was.

        An occasion gets one attempt: a receiver that does not respond is not asked again by the run's next task.
        """
        with self._session.transaction():
            locked = self._session.value(_FILE, "try_lock", occasion=occasion)
            if not locked or self._session.value(_FILE, "was_notified", occasion=occasion):
                return False
            event = "notified" if send() else "not_notified"
            detail = Jsonb({"occasion": occasion, "kind": kind, "up_to": up_to})
            self._session.count(_FILE, "note_attempt", run_id=run_id, stage=Stage.NOTIFY, event=event, detail=detail)
        return True

    def last_event(self, run_id: UUID, event: str) -> RunEnd | None:
        """The newest time that the run entered this status."""
        found = self._session.values(_FILE, "last_event", run_id=run_id, event=event)
        return RunEnd(*found[0]) if found else None

    def new_dead_letters(self, run_id: UUID) -> NewDeadLetters:
        return NewDeadLetters(*self._session.values(_FILE, "new_dead_letters", run_id=run_id)[0])

    def low_rate_switch(self) -> LowRateSwitch | None:
        """The switch to the low request rate that is on now, if one is."""
        found = self._session.values(_FILE, "low_rate_switch")
        return LowRateSwitch(*found[0]) if found else None
