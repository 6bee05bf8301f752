"""Recognition of one batch: which recordings are taken to work, and how the task ends."""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Event, Lock
from uuid import UUID

from include.calls.domain.stages import Stage
from include.calls.domain.states import RecordStatus
from include.calls.policy import Policy
from include.calls.state.claims import Claim
from include.calls.state.state import State
from include.calls.state.types import RecordingRow
from include.calls.steps.outcome import (
    BatchOutcome,
    FailureRule,
    Settling,
    handed_back,
    is_suspect,
    settle_failure,
    taken_back,
)
from include.calls.steps.run_lifecycle import refuse_if_stopped
from include.calls.steps.spending import refuse_if_spent
from include.calls.steps.transcribe_recording import ClaimLost, Recognising, Slot, SlotClosed, SpoiltAudio, to_text
from include.clients.storage.base import Storage
from include.common.errors import ErrorCode, Permanent, ServerFault, StopRun
from include.speech.recognition_client import Recogniser

log = logging.getLogger(__name__)

SWITCH_SEC = 0.0005  # with Python's default a response waits up to 5 ms for the GIL while the other worker cuts audio
WORKERS = 2  # while one recording waits for the recogniser, the other is cut, priced, stored
RULE = FailureRule(
    Stage.TRANSCRIBE, RecordStatus.TRANSCRIBING, RecordStatus.DOWNLOADED, max_attempts=4
)  # one try, three retries
_READY = {RecordStatus.DOWNLOADED, RecordStatus.TRANSCRIBING}


def transcribe_batch(
    run_id: UUID,
    batch_no: int,
    *,
    recogniser: Recogniser,
    storage: Storage,
    state: State,
    policy: Policy,
    fresh: bool,
    fetch_again: Callable[[], object],
    fallback: Recogniser | None = None,
    workers: int = WORKERS,
    stop: Event | None = None,
) -> int:
    """Recognises what the batch has downloaded; returns how many recordings this pass gave a text.

    `fresh` is True on the task's first try and after a person cleared it: only then are errors tried again.
    `fetch_again` downloads the batch's pending recordings; it is called if stored audio is missing or changed.
    `fallback` hears the doubtful pieces of suspicious texts again. `workers` is how many recordings are worked on at a
    time; requests come one after another all the same. `stop`: once it is set, no request is begun; what is under way
    ends and is kept, the rest is handed back.
    Raises Unfinished, Throttled, BatchFailed or StopRun (see `outcome.py`).
    """
    if fresh:
        state.moves.reopen_batch(run_id, batch_no, to=RecordStatus.DOWNLOADED, stage=Stage.TRANSCRIBE)
    stop = stop or Event()
    work = Recognising(state.runs.get(run_id), recogniser, storage, state, policy, fallback, Slot(stop))
    outcome = BatchOutcome()
    _transcribe_downloaded(batch_no, work, outcome, workers, last_look=False)
    pending = state.work.batch(run_id, batch_no, {RecordStatus.PENDING})
    if outcome.throttled is None and not stop.is_set() and any(_was_spoilt(row) for row in pending):
        fetch_again()
        _transcribe_downloaded(batch_no, work, outcome, workers, last_look=True)
    left = state.work.batch(run_id, batch_no, _READY)
    if stop.is_set() and left:
        raise handed_back(left)
    outcome.note_left(left)
    in_error = state.work.batch(run_id, batch_no, {RecordStatus.ERROR})
    outcome.raise_if_unfinished(state, in_error=[row for row in in_error if row.checksum is not None])
    return outcome.done


def _transcribe_downloaded(
    batch_no: int, work: Recognising, outcome: BatchOutcome, workers: int, *, last_look: bool
) -> None:
    """Audio found spoilt at the `last_look`, right after it was downloaded again, is an error of the storage.

    If one worker must stop, no new recording is started. The other worker finishes its current one, unless the
    recogniser refuses requests or the task is being stopped; then the recording is returned to the queue and its saved
    responses are kept.
    """
    rows = work.state.work.batch(work.run.run_id, batch_no, _READY)
    shared = _Workers(work, last_look)
    sys.setswitchinterval(SWITCH_SEC)
    sound = iter(_one_after_another([row for row in rows if not is_suspect(row)]))
    _work_off(shared, sound, workers, outcome)
    # alone and last: if one of them kills this task, no other recording is blamed or kept from its text
    suspects = iter([[row] for row in rows if is_suspect(row)])
    _work_off(shared, suspects, 1, outcome)


def _work_off(shared: "_Workers", groups: Iterator[list[RecordingRow]], workers: int, outcome: BatchOutcome) -> None:
    with ThreadPoolExecutor(workers, thread_name_prefix="worker") as threads:
        try:
            busy = [threads.submit(shared.work_off, groups) for _ in range(workers)]
            wait(busy)
        except BaseException:
            shared.stopping.set()
            shared.work.slot.close()
            raise
    errors = [error for worker in busy if (error := worker.exception())]
    if errors:
        raise min(errors, key=lambda error: not isinstance(error, StopRun))
    for worker in busy:
        outcome.add(worker.result())


def _one_after_another(rows: Iterable[RecordingRow]) -> list[list[RecordingRow]]:
    """Groups of recordings that one worker does in turn: of one call, because the claim is on the call, or of the same
    bytes, because responses are kept by bytes and the first stored text deletes them."""
    groups: list[tuple[set[str], list[RecordingRow]]] = []
    for row in rows:
        names, members = {f"call {row.call_id}", f"bytes {row.checksum}"}, [row]
        for group in [group for group in groups if group[0] & names]:
            groups.remove(group)
            names, members = names | group[0], group[1] + members
        groups.append((names, members))
    return [members for _, members in groups]


@dataclass(slots=True)
class _Workers:
    """State shared by a batch's worker threads. `stopping`: no new recording is started."""

    work: Recognising
    last_look: bool
    stopping: Event = field(default_factory=Event)
    starting: Lock = field(default_factory=Lock)

    def work_off(self, groups: Iterator[list[RecordingRow]]) -> BatchOutcome:
        """Takes group after group, as the other workers do, until there is none or one of them must stop."""
        outcome = BatchOutcome()
        try:
            while self._may_go_on() and (group := next(groups, None)) is not None:
                for row in group:
                    if self._may_go_on():
                        self._take(row, outcome)
        except BaseException:
            self.stopping.set()
            raise
        return outcome

    def _may_go_on(self) -> bool:
        return not (self.stopping.is_set() or self.work.slot.closed)

    def _take(self, listed: RecordingRow, outcome: BatchOutcome) -> None:
        """Under the claim on the call: what another run has done since the batch was read is not done again."""
        run_id, state = self.work.run.run_id, self.work.state
        with state.claims.hold(listed.portal_id, listed.call_id) as claim:
            if not claim:
                outcome.claimed_elsewhere.append(listed)
                return
            refuse_if_stopped(run_id, state)
            row = taken_back(listed, run_id, state, RULE, outcome)
            if row is None:
                return
            if state.moves.share_text(run_id, row.recording_id, stage=Stage.TRANSCRIBE):
                outcome.done += 1
            elif self._start(row, claim):
                _transcribe(row, claim, self.work, outcome, last_look=self.last_look)

    def _start(self, row: RecordingRow, claim: Claim) -> bool:
        """Takes the recording to work; False if its status has changed, or the workers must stop."""
        work, policy = self.work, self.work.policy
        with self.starting:  # two workers must not spend the same rest of the budget
            if not self._may_go_on():
                return False
            refuse_if_spent(work.run.run_id, work.state, policy.stt, policy.money)
            return work.state.moves.take(
                work.run.run_id,
                row.recording_id,
                RecordStatus.TRANSCRIBING,
                stage=Stage.TRANSCRIBE,
                owner=claim.owner,
            )


def _transcribe(row: RecordingRow, claim: Claim, work: Recognising, outcome: BatchOutcome, *, last_look: bool) -> None:
    """One recording from audio to stored text; a failure is settled in its row."""
    try:
        to_text(row, claim, work)
        outcome.done += 1
    except ClaimLost:  # the row stays as it is: it may be a successor's by now, else the next try takes it back
        outcome.claimed_elsewhere.append(row)
    except SlotClosed:
        if claim.alive():
            _put_back(row, claim, work)
            outcome.waiting.append(row.call_id)
        else:
            outcome.claimed_elsewhere.append(row)
    except Exception as error:
        if not isinstance(error, StopRun):
            log.warning("recording %s of call %s: %s", row.record_id, row.call_id, type(error).__name__)
        if isinstance(error, SpoiltAudio) and not last_look:
            _forget_audio(row, claim, error, work)
        else:
            settling = Settling(work.run, work.state, RULE, work.policy.retries, claim.owner)
            settle_failure(row, _blamed(error, row, work), settling, outcome)


def _blamed(error: Exception, row: RecordingRow, work: Recognising) -> Exception:
    """A server that fails again on one recording, and hears others in between, is no outage: the recording ends."""
    run_id = work.run.run_id
    if not isinstance(error, ServerFault):
        return error
    if not row.stage_attempts or not work.state.charges.others_heard(run_id, row.recording_id, error.code):
        return error
    return Permanent(f"the recogniser fails on this recording and not on others: {error}", code=ErrorCode.STT_REJECTED)


def _put_back(row: RecordingRow, claim: Claim, work: Recognising) -> None:
    """To wait as if it had never been started; the responses so far are kept."""
    work.state.moves.move(
        work.run.run_id,
        row.recording_id,
        RecordStatus.DOWNLOADED,
        expected={RecordStatus.TRANSCRIBING},
        stage=Stage.TRANSCRIBE,
        owner=claim.owner,
    )


def _forget_audio(row: RecordingRow, claim: Claim, error: SpoiltAudio, work: Recognising) -> None:
    """Back to the download. The checksum stays: it says that the audio was stored once."""
    work.state.moves.move(
        work.run.run_id,
        row.recording_id,
        RecordStatus.PENDING,
        expected={RecordStatus.TRANSCRIBING},
        stage=Stage.TRANSCRIBE,
        owner=claim.owner,
        error=error,
        attempts_plus=1,
        raw_path=None,
    )


def _was_spoilt(row: RecordingRow) -> bool:
    return row.raw_path is None and row.checksum is not None
