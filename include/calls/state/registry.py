"""The recordings of a scope as a registry and a delivery need them."""

from collections.abc import Generator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from include.calls.domain.registry_row import RegistryRow
from include.calls.domain.states import RecordStatus
from include.calls.state.types import Scope
from include.common.postgres_session import Session

_FILE = "registry"


class RecordingFiles(NamedTuple):
    """The storage keys of a recording's files. `text_at`: the last change of text or summary."""

    recording_id: int
    transcript_id: int | None
    status: RecordStatus
    call_started_at: datetime
    transcript_path: str | None
    summary_path: str | None
    raw_path: str | None
    text_at: datetime | None


class Registry:
    """Streams of rows, whatever their number. Close a stream that you leave early: inside, a transaction is open."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def rows(self, scope: Scope, run_id: UUID) -> Generator[RegistryRow]:
        """The rows in the order of the calls; `run_id` is the run that every row names."""
        yield from self._session.stream(_FILE, "rows", RegistryRow, run_id=run_id, **scope._asdict())

    def files(self, scope: Scope) -> Generator[RecordingFiles]:
        """The recordings that have audio or a text, in the order of the calls."""
        yield from self._session.stream(_FILE, "files", RecordingFiles, **scope._asdict())
