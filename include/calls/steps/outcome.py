"""How one recording's failure is settled, and how a batch's failures become the task's (D15, D16)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from include.calls.domain.states import RecordStatus
from include.calls.state.rows import RecordRow
from include.calls.state.state import State
from include.common.errors import ErrorCode, ExportError, MissingAudio, Permanent, StopRun, Temporary, Throttled

CLAIM_WAIT = 30.0  # seconds until we look again at a recording that another run has in hand


class Unfinished(Temporary):
    """Some recordings of the batch failed for a reason that may pass; Airflow tries the task again.

    `attempt` is the highest number of failures so far of a recording that is still open: the ladder's step.
    """

    def __init__(self, message: str, *, attempt: int, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.attempt = attempt


class BatchFailed(Permanent):
    """Some recordings of the batch ended in error: red, because a person should look (D16)."""


@dataclass(slots=True)
class BatchOutcome:
    """What became of a batch's recordings in this pass."""

    done: int = 0
    missing: int = 0
    failed: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    claimed_elsewhere: list[str] = field(default_factory=list)
    highest_attempt: int = 0
    throttled: Throttled | None = None

    def add(self, other: "BatchOutcome") -> None:
        """What another pair of hands made of its part of the batch."""
        self.done += other.done
        self.missing += other.missing
        self.failed += other.failed
        self.waiting += other.waiting
        self.claimed_elsewhere += other.claimed_elsewhere
        self.highest_attempt = max(self.highest_attempt, other.highest_attempt)
        self.throttled = self.throttled or other.throttled

    def raise_if_unfinished(self, in_error: Iterable[RecordRow]) -> None:
        """Raises Throttled, Unfinished or BatchFailed; returns where nothing is left to do.

        `in_error` are the stage's recordings in error, of this pass or an earlier one: no retry turns green over them.
        """
        if self.throttled is not None:
            raise self.throttled
        if self.waiting:
            names = _some(self.waiting)
            raise Unfinished(
                f"{len(self.waiting)} recordings will be tried again: {names}", attempt=self.highest_attempt
            )
        if self.claimed_elsewhere:
            raise Unfinished(
                f"{len(self.claimed_elsewhere)} recordings are in another task's hands and will be looked at again: "
                f"{_some(self.claimed_elsewhere)}",
                attempt=1,
                retry_after=CLAIM_WAIT,
            )
        failed = [record.call_id for record in in_error]
        if failed:
            raise BatchFailed(
                f"{len(failed)} recordings ended in error: {_some(failed)}. Their reasons are in the registry "
                "and in call_records.error_message; clear this task to try them again (those in the dead letter queue: "
                "make resume RUN_ID=... DLQ=true)"
            )


@dataclass(frozen=True, slots=True)
class FailureRule:
    """What a stage does with a failure: the state to go back to, and after how many failures it gives up."""

    stage: str
    working: RecordStatus
    back_to: RecordStatus
    max_attempts: int


def settle_failure(state: State, record: RecordRow, error: Exception, rule: FailureRule, outcome: BatchOutcome) -> None:
    """Moves the record by what the error means and notes it in `outcome`. StopRun goes back and is raised again."""
    ours = error if isinstance(error, ExportError) else _unforeseen(error)
    attempt = record.stage_attempts + 1
    outcome.highest_attempt = max(outcome.highest_attempt, attempt)
    match ours:
        case StopRun() | Throttled():
            _move(state, record, rule, rule.back_to, ours, counts=False)
            if isinstance(ours, StopRun):
                raise ours
            outcome.throttled = ours
        case MissingAudio():
            _move(state, record, rule, RecordStatus.MISSING_AUDIO, ours, counts=True)
            outcome.missing += 1
        case Temporary() if attempt < rule.max_attempts:
            _move(state, record, rule, rule.back_to, ours, counts=True)
            outcome.waiting.append(record.call_id)
        case _:
            _move(state, record, rule, RecordStatus.ERROR, ours, counts=True)
            outcome.failed.append(record.call_id)


def _move(
    state: State, record: RecordRow, rule: FailureRule, to: RecordStatus, error: ExportError, *, counts: bool
) -> None:
    state.move_record(
        record.run_id,
        record.call_id,
        record.record_id,
        to,
        expected={rule.working},
        stage=rule.stage,
        error=error,
        attempts_plus=int(counts),
        stage_attempts=record.stage_attempts + int(counts),
    )


def _unforeseen(error: Exception) -> Temporary:
    # The text of a foreign exception may hold a link or a key: only its type is told.
    return Temporary(f"an unforeseen {type(error).__name__}; the task's log has the details", code=ErrorCode.INTERNAL)


def _some(names: Iterable[str], most: int = 5) -> str:
    names = list(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
