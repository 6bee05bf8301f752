"""Recordings as they are now; nothing here changes one."""

from collections.abc import Iterator, Set
from datetime import datetime
from uuid import UUID

from include.calls.domain.states import RecordStatus
from include.calls.state.types import RecordingRow
from include.common.postgres_session import Session

_FILE = "recordings"
_PAGE = 5_000


class Recordings:
    """Reads of the table `recordings`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, recording_id: int) -> RecordingRow:
        (row,) = self._session.rows(_FILE, "recording", RecordingRow, recording_id=recording_id)
        return row

    def of_run(self, run_id: UUID, statuses: Set[RecordStatus] = frozenset(RecordStatus)) -> Iterator[RecordingRow]:
        """The recordings that the run reports, ordered by the row of the statistics, read a page at a time."""
        after = -1
        of_run = {"run_id": run_id, "statuses": sorted(statuses), "most": _PAGE}
        while page := self._session.rows(_FILE, "of_run", RecordingRow, after=after, **of_run):
            yield from page
            after = page[-1].statistics_id

    def of_call(self, run_id: UUID, call_id: str) -> list[RecordingRow]:
        """The call's recordings that the run reports, ordered by the row of the statistics."""
        return self._session.rows(_FILE, "of_call", RecordingRow, run_id=run_id, call_id=call_id)

    def newest_texts(self, run_id: UUID, most: int) -> list[str]:
        """Files of the newest texts that the run reports."""
        found = self._session.values(_FILE, "newest_texts", run_id=run_id, most=most)
        return [path for (path,) in found]

    def phone_lines(self) -> list[str]:
        """The company's own numbers, as the telephony system spells them."""
        return [line for (line,) in self._session.values(_FILE, "phone_lines")]

    def phone_lines_of(self, run_id: UUID) -> set[str]:
        """The company's numbers in the calls that the run reports."""
        return {line for (line,) in self._session.values(_FILE, "phone_lines_of", run_id=run_id)}

    def now(self) -> datetime:
        """The database's clock."""
        found: datetime = self._session.value(_FILE, "now")
        return found
