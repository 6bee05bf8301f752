"""The work of a run: its recordings and their batches."""

from collections.abc import Iterable, Sequence, Set
from uuid import UUID

from include.calls.domain.states import UNFINISHED, RecordStatus
from include.calls.state.types import BatchFacts, InProgress, RecordingRow, Run, ToBuy, Unplanned
from include.common.postgres_session import Session

_FILE = "work"
_UNFINISHED = sorted(UNFINISHED)
_WITH_TEXT = [RecordStatus.COMPLETED]
_FAILED = [RecordStatus.ERROR]
_MISSING = [RecordStatus.MISSING_AUDIO]


class Work:
    """The tables `run_work` and `work_in_progress`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def batch(self, run_id: UUID, batch_no: int, statuses: Set[RecordStatus]) -> list[RecordingRow]:
        """The batch's recordings in these statuses, ordered by the row of the statistics."""
        of_batch = {"run_id": run_id, "batch_no": batch_no, "statuses": sorted(statuses)}
        return self._session.rows(_FILE, "batch", RecordingRow, **of_batch)

    def unplanned(self, run_id: UUID, *, summaries: bool) -> list[Unplanned]:
        """Work without a batch, in the order of the calls; with `summaries` also texts that need one."""
        filters = {"unfinished": _UNFINISHED, "with_text": _WITH_TEXT, "summaries": summaries}
        return self._session.rows(_FILE, "unplanned", Unplanned, run_id=run_id, **filters)

    def assign(self, run_id: UUID, batches: Sequence[Sequence[int]]) -> list[int]:
        """Gives the batches (lists of recording ids) new numbers and returns them; a number is never given twice.

        A recording that has a batch keeps it.
        """
        with self._session.transaction():
            first = self._session.count(_FILE, "draw_batches", run_id=run_id, batches=len(batches))
            numbered = [(recording_id, number) for number, ids in enumerate(batches, first) for recording_id in ids]
            self._session.count(
                _FILE,
                "assign_batches",
                run_id=run_id,
                recording_ids=[recording_id for recording_id, _ in numbered],
                numbers=[number for _, number in numbered],
            )
        return list(range(first, first + len(batches)))

    def forget_batches(self, run_id: UUID) -> None:
        """Unfinished work of the run is planned anew (resume)."""
        self._session.count(_FILE, "forget_batches", run_id=run_id, unfinished=_UNFINISHED)

    def unfinished_batches(self, run_id: UUID, *, summaries: bool) -> list[int]:
        """Batches that have something left to do; with `summaries` also those with a text that needs one."""
        filters = {"unfinished": _UNFINISHED, "with_text": _WITH_TEXT, "summaries": summaries}
        return [number for (number,) in self._session.values(_FILE, "unfinished_batches", run_id=run_id, **filters)]

    def batch_facts(self, run_id: UUID, batch_no: int) -> BatchFacts:
        (facts,) = self._session.rows(_FILE, "batch_facts", BatchFacts, run_id=run_id, batch_no=batch_no)
        return facts

    def to_buy(self, run: Run) -> ToBuy:
        """What the run would buy if it started now: the recordings of `Moves.take_up`; nothing is moved."""
        filters = {"unfinished": _UNFINISHED, "failed": _FAILED, "missing": _MISSING, "tonight": run.night}
        (figures,) = self._session.rows(_FILE, "to_buy", ToBuy, run_id=run.run_id, **filters)
        return figures

    def summaries_wanted(self, run_id: UUID) -> tuple[int, int]:
        """How many summaries the run is going to make, and the minutes of their recordings, each rounded up."""
        filters = {"unfinished": _UNFINISHED, "with_text": _WITH_TEXT}
        ((texts, minutes),) = self._session.values(_FILE, "summaries_wanted", run_id=run_id, **filters)
        return texts, minutes

    def in_progress(self, recording_ids: Iterable[int]) -> dict[int, InProgress]:
        """The tasks that work on these recordings at this moment, by recording."""
        found = self._session.rows(_FILE, "in_progress", InProgress, recording_ids=list(recording_ids))
        return {task.recording_id: task for task in found}
