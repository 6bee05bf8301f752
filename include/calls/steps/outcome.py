"""How the failure of one recording is settled, and how a batch's failures become the task's."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from include.calls.domain.retries import next_look
from include.calls.domain.states import BEFORE_WORK, RecordStatus
from include.calls.policy import RetryPolicy
from include.calls.state.state import State
from include.calls.state.types import InProgress, RecordingRow, Run
from include.common.errors import (
    ErrorCode,
    ExportError,
    MissingAudio,
    NotTheRecording,
    Permanent,
    StopRun,
    Temporary,
    Throttled,
)

log = logging.getLogger(__name__)

# Tasks that died on a recording, until it is an error. A machine that loses tasks for its own reasons killed three in
# a row on one recording (`make chaos`, 40 kills); a recording that kills its tasks costs five of them.
MOST_DEATHS = 5
PAGES_BELIEVED = 3  # pages in place of a recording of unknown size, until its link is taken for dead
HANDED_BACK_WAIT = 1.0  # seconds until another task goes on with what a stopped one has handed back
CLAIM_WAIT = 30.0  # seconds until a recording that another task works on is looked at again


class Unfinished(Temporary):
    """Some recordings of the batch failed for a reason that may pass; Airflow tries the task again.

    `attempt` is the highest number of failures so far of a recording that is still open: the step of the ladder.
    """

    def __init__(
        self,
        message: str,
        *,
        attempt: int,
        retry_after: float | None = None,
        problem: str = "",
        count: int = 0,
        calls: str = "",
    ) -> None:
        super().__init__(message, retry_after=retry_after, problem=problem, count=count, calls=calls)
        self.attempt = attempt


def handed_back(rows: Iterable[RecordingRow]) -> Unfinished:
    """The task was asked to stop. Its next try, on another host perhaps, begins at once."""
    left = [row.call_id for row in rows]
    return Unfinished(
        f"the task was asked to stop and hands back recordings: {len(left)}, {some(left)}",
        attempt=1,
        retry_after=HANDED_BACK_WAIT,
        problem="handed_back",
        count=len(left),
    )


class BatchFailed(Permanent):
    """Some recordings of the batch ended in error. The task is red, because a person should look."""


@dataclass(slots=True)
class BatchOutcome:
    """The results of one pass over a batch; `waiting`, `failed` hold CALL_IDs."""

    done: int = 0
    missing: int = 0
    failed: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    claimed_elsewhere: list[RecordingRow] = field(default_factory=list)
    highest_attempt: int = 0
    throttled: Throttled | None = None

    def add(self, other: "BatchOutcome") -> None:
        """Merges the outcome of another worker into this one."""
        self.done += other.done
        self.missing += other.missing
        self.failed += other.failed
        self.waiting += other.waiting
        self.claimed_elsewhere += other.claimed_elsewhere
        self.highest_attempt = max(self.highest_attempt, other.highest_attempt)
        self.throttled = self.throttled or other.throttled

    def note_left(self, rows: Iterable[RecordingRow]) -> None:
        """Recordings that this pass has left undone although none of its failures says so: another task has them."""
        known = {row.recording_id for row in self.claimed_elsewhere}
        self.claimed_elsewhere += [
            row for row in rows if row.call_id not in self.waiting and row.recording_id not in known
        ]

    def raise_if_unfinished(self, state: State, in_error: Iterable[RecordingRow] = ()) -> None:
        """Raises Throttled, Unfinished or BatchFailed; returns if nothing is left to do.

        `in_error` are the stage's recordings in error, of this pass or an earlier one: a retry does not end green as
        long as there are any.
        """
        if self.throttled is not None:
            raise self.throttled
        if self.waiting:
            names = some(self.waiting)
            raise Unfinished(
                f"{len(self.waiting)} recordings will be tried again: {names}",
                attempt=self.highest_attempt,
                problem="recordings_waiting",
                count=len(self.waiting),
                calls=names,
            )
        if self.claimed_elsewhere:
            raise _in_other_tasks(self.claimed_elsewhere, state)
        failed = [row.call_id for row in in_error]
        if failed:
            names = some(failed)
            raise BatchFailed(
                f"{len(failed)} recordings ended in error: {names}. Their reasons are in the registry "
                "and in call_records.error_message; clear this task to try them again (those in the dead letter queue: "
                "make resume RUN_ID=... DLQ=true)",
                problem="recordings_in_error",
                count=len(failed),
                calls=names,
            )


def _in_other_tasks(rows: list[RecordingRow], state: State) -> Unfinished:
    names, ids = some(row.call_id for row in rows), [row.recording_id for row in rows]
    holders = state.work.in_progress(ids).values()
    where = some(map(_holder, holders)) or "another task"
    return Unfinished(
        f"{len(rows)} recordings are claimed by {where} and will be looked at again: {names}",
        attempt=1,
        retry_after=min(CLAIM_WAIT, state.claims.seconds_left(ids) + 1),  # a dead task's claim ends before that
        problem="recordings_in_other_tasks",
        count=len(rows),
        calls=names,
    )


def _holder(task: InProgress) -> str:
    return f"run {task.run_id} ({task.stage}, since {task.since:%H:%M} UTC)"


@dataclass(frozen=True, slots=True)
class FailureRule:
    """What a stage does with a failure: the status to go back to, and after how many failures it gives up."""

    stage: str
    working: RecordStatus
    back_to: RecordStatus
    max_attempts: int


@dataclass(frozen=True, slots=True)
class Settling:
    """What settling a failure needs; `owner` is that of the claim on the call."""

    run: Run
    state: State
    rule: FailureRule
    retries: RetryPolicy
    owner: UUID


def is_suspect(row: RecordingRow) -> bool:
    """True if a task has died while it worked on the recording, perhaps because of it."""
    return row.deaths > 0 or row.status in BEFORE_WORK


def taken_back(
    listed: RecordingRow, run_id: UUID, state: State, rule: FailureRule, outcome: BatchOutcome
) -> RecordingRow | None:
    """The row as it is now, ready to be taken to work; None if there is nothing to do in this stage.

    Called under the claim on its call, so a recording that is still `working` was left by a dead task. Too many deaths
    make it an error: a file that kills each of its tasks must not keep the run from ending.
    """
    row = state.recordings.get(listed.recording_id)
    if row.status is rule.working:
        deaths = state.moves.take_back(run_id, row.recording_id, rule.working, stage=rule.stage)
        row = state.recordings.get(row.recording_id)
        if deaths >= MOST_DEATHS:
            _give_up(row, deaths, run_id, state, rule, outcome)
            return None
    return row if row.status is rule.back_to else None


def died_too_often(deaths: int, stage: str) -> Permanent:
    return Permanent(
        f"{deaths} tasks died one after another in the stage {stage} of this recording: look for a killed process "
        "in the system's log (memory, restarts); clear the task to try again",
        code=ErrorCode.INTERNAL,
    )


def _give_up(
    row: RecordingRow, deaths: int, run_id: UUID, state: State, rule: FailureRule, outcome: BatchOutcome
) -> None:
    error = died_too_often(deaths, rule.stage)
    log.warning("recording %s of call %s: %s", row.record_id, row.call_id, error)
    moved = state.moves.move(
        run_id,
        row.recording_id,
        RecordStatus.ERROR,
        expected={rule.back_to},
        stage=rule.stage,
        error=error,
        attempts_plus=1,
    )
    if moved:
        outcome.failed.append(row.call_id)


def settle_failure(row: RecordingRow, error: Exception, settling: Settling, outcome: BatchOutcome) -> None:
    """Moves the recording by what the error means and notes it in `outcome`. StopRun is raised again."""
    ours = error if isinstance(error, ExportError) else _unforeseen(error)
    attempt = row.stage_attempts + 1
    rule = settling.rule
    outcome.highest_attempt = max(outcome.highest_attempt, attempt)
    match ours:
        case StopRun() | Throttled():
            _move(row, rule.back_to, ours, settling, counts=False)
            if isinstance(ours, StopRun):
                raise ours
            outcome.throttled = ours
        case MissingAudio():
            _missing(row, ours, settling, outcome)
        case NotTheRecording(promised=False) if attempt >= PAGES_BELIEVED:
            _missing(row, MissingAudio(f"{ours}, {attempt} times"), settling, outcome)
        case Temporary() if attempt < rule.max_attempts:
            _move(row, rule.back_to, ours, settling, counts=True)
            outcome.waiting.append(row.call_id)
        case _:
            _move(row, RecordStatus.ERROR, ours, settling, counts=True)
            outcome.failed.append(row.call_id)


def _missing(row: RecordingRow, error: MissingAudio, settling: Settling, outcome: BatchOutcome) -> None:
    tonight = settling.run.night
    since = row.missing_since or tonight
    again = next_look(since, tonight, settling.retries.missing_audio_nights)
    _move(row, RecordStatus.MISSING_AUDIO, error, settling, counts=True, missing_since=since, look_again_on=again)
    outcome.missing += 1


def _move(
    row: RecordingRow,
    to: RecordStatus,
    error: ExportError,
    settling: Settling,
    *,
    counts: bool,
    **columns: object,
) -> None:
    settling.state.moves.move(
        settling.run.run_id,
        row.recording_id,
        to,
        expected={settling.rule.working},
        stage=settling.rule.stage,
        owner=settling.owner,
        error=error,
        attempts_plus=int(counts),
        stage_attempts=row.stage_attempts + int(counts),
        **columns,  # type: ignore[arg-type]
    )


def _unforeseen(error: Exception) -> Temporary:
    # The text of a foreign exception may hold a link or a key: only its type is named.
    return Temporary(f"an unforeseen {type(error).__name__}; the task's log has the details", code=ErrorCode.INTERNAL)


def some(names: Iterable[str], most: int = 5) -> str:
    """The first names of a list; `…` stands for the others."""
    names = list(names)
    return ", ".join([*names[:most], *(["…"] if len(names) > most else [])])
