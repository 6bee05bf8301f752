"""Recordings by the batch and by the run: who has which, what is left, what is already ours."""

from collections.abc import Iterator, Sequence, Set
from decimal import Decimal
from typing import Any
from uuid import UUID

from include.calls.domain.states import RECORD_MOVES, UNFINISHED, RecordStatus
from include.calls.state.moves import BEFORE_WORK, Moves
from include.calls.state.rows import BatchFacts, OwnCopies, RecordKey, RecordRow, ToBuy
from include.calls.state.runs import refuse_unlisted

_FILE = "records"
_PAGE = 5_000


class Records(Moves):
    """The table `call_records` as the steps see it."""

    def batch_records(self, run_id: UUID, batch_no: int, statuses: Set[RecordStatus]) -> list[RecordRow]:
        """In the order of the portal's statistics, which is that of the calls."""
        return self._records(run_id, statuses, batch_no=batch_no)

    def record(self, run_id: UUID, key: RecordKey) -> RecordRow | None:
        found = self._records(run_id, set(RecordStatus), call_id=key.call_id, record_id=key.record_id)
        return found[0] if found else None

    def reused_records(self, run_id: UUID) -> Iterator[RecordRow]:
        """Completed with the text of an earlier run; their paths are the earlier run's until `set_paths`."""
        return self.completed_records(run_id, reused=True)

    def completed_records(self, run_id: UUID, *, reused: bool = False) -> Iterator[RecordRow]:
        """In the order of the portal's statistics, read a page at a time; `reused` leaves out what the run bought."""
        after = -1
        while page := self._records(run_id, {RecordStatus.COMPLETED}, reused=reused, after=after, most=_PAGE):
            yield from page
            after = page[-1].statistics_id

    def _records(self, run_id: UUID, statuses: Set[RecordStatus], **narrower: Any) -> list[RecordRow]:
        filters = {"batch_no": None, "reused": False, "after": -1, "call_id": None, "record_id": None, "most": None}
        return self._rows(_FILE, "records", RecordRow, run_id=run_id, statuses=sorted(statuses), **filters | narrower)

    # Work that was left or is to be done again

    def recover_stale(self, run_id: UUID, batch_no: int, status: RecordStatus, *, stage: str) -> int:
        """Takes back what a dead task of this batch left in `downloading` or `transcribing`; costs no attempt."""
        to = BEFORE_WORK[status]
        return self._move_many(run_id, {status}, to, stage=stage, why="the task died", batch_no=batch_no, keep=True)

    def reopen_batch(self, run_id: UUID, batch_no: int, *, to: RecordStatus, stage: str) -> int:
        """Errors of the batch are tried again: those with stored audio where `to` is downloaded, else those without."""
        stored = to is RecordStatus.DOWNLOADED
        return self._move_many(
            run_id, {RecordStatus.ERROR}, to, stage=stage, why="tried again", batch_no=batch_no, stored=stored
        )

    def reopen_records(self, run_id: UUID, *, stage: str) -> int:
        """Everything of the run that failed or was missing is tried again, and all unfinished work is planned anew.

        Records in the dead letter queue stay there: `replay` brings them back. Returns how many were reopened.
        """
        failed, missing, why = RecordStatus.ERROR, RecordStatus.MISSING_AUDIO, "the run was resumed"
        pending, downloaded = RecordStatus.PENDING, RecordStatus.DOWNLOADED
        with self.transaction():
            reopened = self._move_many(run_id, {failed}, downloaded, stage=stage, why=why, stored=True)
            reopened += self._move_many(run_id, {failed}, pending, stage=stage, why=why, stored=False)
            reopened += self._move_many(run_id, {missing}, pending, stage=stage, why=why)
            self._count(_FILE, "forget_batches", run_id=run_id, unfinished=sorted(UNFINISHED))
        return reopened

    def _move_many(
        self,
        run_id: UUID,
        expected: Set[RecordStatus],
        to: RecordStatus,
        *,
        stage: str,
        why: str,
        batch_no: int | None = None,
        stored: bool | None = None,
        keep: bool = False,
    ) -> int:
        refuse_unlisted(expected, to, RECORD_MOVES)
        return self._count(
            _FILE,
            "stale_or_failed",
            run_id=run_id,
            batch_no=batch_no,
            expected=sorted(expected),
            to=to,
            stage=stage,
            why=why,
            stored=stored,
            keep_attempts=keep,
        )

    # Planning

    def unplanned(self, run_id: UUID, *, summaries: bool = False) -> list[tuple[RecordKey, Decimal]]:
        """Unfinished recordings without a batch and their minutes, in the order of the calls.

        With `summaries` also texts that were reused without one.
        """
        rows = self._values(_FILE, "unplanned", run_id=run_id, unfinished=sorted(UNFINISHED), summaries=summaries)
        return [(RecordKey(call_id, record_id), minutes) for call_id, record_id, minutes in rows]

    def assign_batches(self, run_id: UUID, batches: Sequence[Sequence[RecordKey]]) -> list[int]:
        """Numbers the batches on from the run's last one; a record that has a batch keeps it. Returns the numbers."""
        with self.transaction():
            first = self._count(_FILE, "last_batch", run_id=run_id) + 1
            numbered = [(key, number) for number, keys in enumerate(batches, first) for key in keys]
            self._count(
                _FILE,
                "assign_batches",
                run_id=run_id,
                call_ids=[key.call_id for key, _ in numbered],
                record_ids=[key.record_id for key, _ in numbered],
                numbers=[number for _, number in numbered],
            )
        return list(range(first, first + len(batches)))

    def batch_numbers_unfinished(self, run_id: UUID, *, summaries: bool = False) -> list[int]:
        """Batches with something left to do; with `summaries` also those with a text that lacks one."""
        rows = self._values(
            _FILE, "unfinished_batches", run_id=run_id, unfinished=sorted(UNFINISHED), summaries=summaries
        )
        return [number for (number,) in rows]

    def batch_facts(self, run_id: UUID, batch_no: int) -> BatchFacts:
        (facts,) = self._rows(_FILE, "batch_facts", BatchFacts, run_id=run_id, batch_no=batch_no)
        return facts

    def to_buy(self, run_id: UUID) -> ToBuy:
        (figures,) = self._rows(_FILE, "to_buy", ToBuy, run_id=run_id, unfinished=sorted(UNFINISHED))
        return figures

    # Texts that are already ours (D3)

    def reuse_earlier(self, run_id: UUID, *, stage: str = "plan") -> int:
        """Completes the run's recordings whose text was bought before; returns how many.

        The rows point at the earlier files until the caller has copied them and called `set_paths`, so a row that says
        `completed` has its text at any moment.
        """
        with self.transaction() as connection:
            # right after a listing the planner still believes the table small, and would compare each row with each
            connection.execute("ANALYZE call_records")
            return self._reuse(run_id, call_id=None, record_id=None, stage=stage)

    def reuse_one(self, record: RecordRow, *, stage: str = "transcribe") -> bool:
        """The same for one recording, asked again once it is claimed and its bytes are known."""
        call_id, record_id = record.key
        return self._reuse(record.run_id, call_id=call_id, record_id=record_id, stage=stage) == 1

    def _reuse(self, run_id: UUID, *, call_id: str | None, record_id: str | None, stage: str) -> int:
        expected, to = {RecordStatus.PENDING, RecordStatus.DOWNLOADED}, RecordStatus.COMPLETED
        refuse_unlisted(expected, to, RECORD_MOVES)
        return self._count(
            _FILE,
            "reuse",
            run_id=run_id,
            call_id=call_id,
            record_id=record_id,
            expected=sorted(expected),
            to=to,
            stage=stage,
        )

    def copies_of(self, record: RecordRow) -> list[tuple[str, str | None]]:
        """Where else the reused record's text may lie, and its summary: the copies of later runs, newest first."""
        return [(path, summary) for path, summary in self._values("reuse", "copies", **_reused(record))]

    def give_back(self, record: RecordRow, *, stage: str) -> bool:
        """A reused record whose text is gone waits to be bought again, and nobody chooses that file any more.

        Its checksum stays: it tells that the audio was ours once, and with it the answers paid for it are found.
        """
        expected, to = {RecordStatus.COMPLETED}, RecordStatus.PENDING
        refuse_unlisted(expected, to, RECORD_MOVES)
        given = self._count("reuse", "give_back", expected=sorted(expected), to=to, stage=stage, **_reused(record))
        return given == 1

    def set_paths(self, run_id: UUID, copies: Sequence[OwnCopies]) -> None:
        """Completed records of the run have files of their own now."""
        self._count(
            _FILE,
            "set_paths",
            run_id=run_id,
            call_ids=[copy.key.call_id for copy in copies],
            record_ids=[copy.key.record_id for copy in copies],
            transcript_paths=[copy.transcript_path for copy in copies],
            summary_paths=[copy.summary_path for copy in copies],
        )

    def set_summary(
        self, record: RecordRow, *, summary_path: str, tags: Sequence[str], cost: Decimal, bought: bool
    ) -> None:
        """`cost` (USD) is what the summary cost; `bought` says that it was bought for this very record."""
        self._count(
            _FILE,
            "set_summary",
            run_id=record.run_id,
            call_id=record.call_id,
            record_id=record.record_id,
            summary_path=summary_path,
            tags=list(tags),
            cost=cost,
            bought=bought,
        )


def _reused(record: RecordRow) -> dict[str, Any]:
    """What tells a reused record's text from others of its call."""
    return {
        "run_id": record.run_id,
        "call_id": record.call_id,
        "record_id": record.record_id,
        "statistics_id": record.statistics_id,
        "checksum": record.checksum,
        "source_run": record.reused_from_run_id,
        "path": record.transcript_path,
    }
