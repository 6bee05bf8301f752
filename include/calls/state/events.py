"""The history: one row for everything that happened, never changed."""

import logging
from collections.abc import Generator, Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from include.calls.domain.call_event import Event
from include.calls.state.types import SummaryFailures
from include.common.errors import ExportError
from include.common.postgres_session import Session, storable_detail

_FILE = "events"
log = logging.getLogger(__name__)


class Events:
    """The table `call_events`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self,
        run_id: UUID | None,
        *,
        stage: str,
        event: str,
        recording_id: int | None = None,
        duration_ms: int | None = None,
        error_code: StrEnum | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Appends to the history; an event about a recording gets its call_id and record_id too."""
        self._session.count(
            _FILE,
            "add_event",
            run_id=run_id,
            recording_id=recording_id,
            stage=stage,
            event=event,
            duration_ms=duration_ms,
            error_code=error_code,
            detail=Jsonb(storable_detail(detail or {})),
        )

    def of_run(self, run_id: UUID) -> Generator[Event]:
        """The run's history in order, streamed: close it if you leave it early."""
        yield from self._session.stream(_FILE, "events_of_run", Event, run_id=run_id)

    def summary_failures(self, run_id: UUID, batch_no: int, *, stage: str) -> dict[int, SummaryFailures]:
        """How often summaries of the batch have failed since the batch was last started afresh, by recording.

        Counted from the history, because the recordings stay completed. Recordings that were not begun are absent.
        """
        found = self._session.values(_FILE, "summary_failures", run_id=run_id, batch_no=batch_no, stage=stage)
        return {recording_id: SummaryFailures(*counted) for recording_id, *counted in found}

    def ensure_months(self) -> None:
        """Creates the partitions of the coming year. A failure is a warning: partitions for months ahead exist."""
        try:
            with self._session.transaction():
                self._session.count(_FILE, "wait_shortly")
                self._session.count(_FILE, "ensure_months")
        except ExportError as error:
            log.warning("the partitions of call_events for the coming months were not checked: %s", error)
