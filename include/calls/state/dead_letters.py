"""The dead letter queue (DLQ): recordings that have failed for too long and that only a person sends back."""

from datetime import datetime
from uuid import UUID

from include.calls.domain.states import RECORD_MOVES, WAITING, RecordStatus, refuse_unlisted
from include.calls.state.bulk_changes import bulk_change
from include.calls.state.types import DeadLetter
from include.common.postgres_session import Session

_FILE = "dead_letters"


class DeadLetters:
    """The table `dead_letters`: at most one letter per recording, whichever run wrote it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def move_overdue(self, run_id: UUID, *, failed_before: datetime) -> int:
        """Moves recordings of the run's period that have failed since before then into the DLQ; returns how many."""
        refuse_unlisted(WAITING, RecordStatus.ERROR, RECORD_MOVES)
        with bulk_change(self._session):
            return self._session.count(
                _FILE,
                "move_to_dlq",
                run_id=run_id,
                failed_before=failed_before,
                failing=sorted(WAITING | {RecordStatus.ERROR}),
                expected=sorted(WAITING),
                to=RecordStatus.ERROR,
            )

    def replay(self, run_id: UUID, *, stage: str) -> int:
        """Recordings of the run's period in the DLQ are tried again, whichever run gave them up; returns how many."""
        expected = {RecordStatus.ERROR}
        for to in (RecordStatus.DOWNLOADED, RecordStatus.PENDING):
            refuse_unlisted(expected, to, RECORD_MOVES)
        with bulk_change(self._session):
            return self._session.count(
                _FILE,
                "replay",
                run_id=run_id,
                expected=sorted(expected),
                stored_to=RecordStatus.DOWNLOADED,
                to=RecordStatus.PENDING,
                stage=stage,
            )

    def of_run(self, run_id: UUID, *, most: int) -> list[DeadLetter]:
        """Letters of the run's period: those that the run wrote, and those that wait."""
        return self._session.rows(_FILE, "of_run", DeadLetter, run_id=run_id, most=most)
