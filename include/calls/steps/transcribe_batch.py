"""A batch's texts: which recordings are taken in hand, and what becomes of the task."""

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
from include.calls.state.rows import RecordRow
from include.calls.state.state import Claim, State
from include.calls.steps.outcome import BatchOutcome, FailureRule, settle_failure
from include.calls.steps.paths import run_of
from include.calls.steps.reuse import finish_copies, reuse_one
from include.calls.steps.run_lifecycle import refuse_if_stopped
from include.calls.steps.spending import refuse_if_spent
from include.calls.steps.transcribe_recording import ClaimLost, LineClosed, Recognising, SpoiltAudio, to_text
from include.clients.storage.base import Storage
from include.common.errors import StopRun, Temporary
from include.speech.recognition_client import Recogniser

log = logging.getLogger(__name__)

SWITCH_SEC = 0.0005  # by default an answer waits ten times as long until the other hand, busy cutting, lets it be read
IN_HAND = 2  # while one waits for the recogniser, the other is cut, priced, stored
RULE = FailureRule(
    Stage.TRANSCRIBE, RecordStatus.TRANSCRIBING, RecordStatus.DOWNLOADED, max_attempts=4
)  # one try, three retries


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
    in_hand: int = IN_HAND,
) -> int:
    """Recognises what the batch has downloaded; returns how many recordings this pass gave a text.

    `fresh` is True on the task's first try and after a person cleared it: only then are errors tried again.
    `fetch_again` downloads the batch's pending recordings: called where stored audio turned out gone or changed.
    `fallback` hears the doubtful pieces of suspicious texts again (D23). `in_hand` is how many recordings are worked on
    at a time; requests come one after another all the same.
    Raises Unfinished, Throttled, BatchFailed or StopRun (see `outcome.py`).
    """
    state.recover_stale(run_id, batch_no, RecordStatus.TRANSCRIBING, stage=Stage.TRANSCRIBE)
    if fresh:
        state.reopen_batch(run_id, batch_no, to=RecordStatus.DOWNLOADED, stage=Stage.TRANSCRIBE)
    work = Recognising(run_of(run_id, state), recogniser, storage, state, policy, fallback)
    outcome = BatchOutcome()
    uncopied = _finish_copies(batch_no, work)
    _transcribe_downloaded(batch_no, work, outcome, in_hand, last_look=False)
    pending = state.batch_records(run_id, batch_no, {RecordStatus.PENDING})
    if outcome.throttled is None and any(_was_spoilt(record) for record in pending):
        fetch_again()
        _transcribe_downloaded(batch_no, work, outcome, in_hand, last_look=True)
    outcome.raise_if_unfinished([])
    if uncopied:
        raise uncopied
    in_error = state.batch_records(run_id, batch_no, {RecordStatus.ERROR})
    outcome.raise_if_unfinished(record for record in in_error if record.checksum is not None)
    return outcome.done


def _finish_copies(batch_no: int, work: Recognising) -> Temporary | None:
    """Raised only after the batch's own work: a text that does not let itself be copied keeps nobody waiting."""
    completed = work.state.batch_records(work.run.run_id, batch_no, {RecordStatus.COMPLETED})
    reused = (record for record in completed if record.reused_from_run_id is not None)
    try:
        finish_copies(reused, work.run, work.state, work.storage, stage=Stage.TRANSCRIBE)
    except Temporary as error:
        return error
    return None


def _transcribe_downloaded(
    batch_no: int, work: Recognising, outcome: BatchOutcome, in_hand: int, *, last_look: bool
) -> None:
    """Audio found spoilt at the `last_look`, right after it was fetched again, is an error: no storage to trust.

    Where one hand may not go on, nothing more is begun; what the other has in hand is finished, unless it is the
    recogniser that refuses, or the task that ends: then it goes back, its answers kept.
    """
    records = work.state.batch_records(work.run.run_id, batch_no, {RecordStatus.DOWNLOADED})
    groups = iter(_one_after_another(records))
    hands = _Hands(work, last_look)
    sys.setswitchinterval(SWITCH_SEC)
    with ThreadPoolExecutor(in_hand, thread_name_prefix="hand") as threads:
        try:
            busy = [threads.submit(hands.work_off, groups) for _ in range(in_hand)]
            wait(busy)
        except BaseException:
            hands.over.set()
            work.line.close()
            raise
    errors = [error for hand in busy if (error := hand.exception())]
    if errors:
        raise min(errors, key=lambda error: not isinstance(error, StopRun))
    for hand in busy:
        outcome.add(hand.result())


def _one_after_another(records: Iterable[RecordRow]) -> list[list[RecordRow]]:
    """Groups of recordings that wait for each other: of one call, because the claim is on the call, or of the same
    bytes, because answers are kept by bytes and the first text that is stored forgets them."""
    groups: list[tuple[set[str], list[RecordRow]]] = []
    for record in records:
        names, members = {f"call {record.call_id}", f"bytes {record.checksum}"}, [record]
        for group in [group for group in groups if group[0] & names]:
            groups.remove(group)
            names, members = names | group[0], group[1] + members
        groups.append((names, members))
    return [members for _, members in groups]


@dataclass(slots=True)
class _Hands:
    """What the threads of a batch share. `over`: nothing more is begun."""

    work: Recognising
    last_look: bool
    over: Event = field(default_factory=Event)
    beginning: Lock = field(default_factory=Lock)

    def work_off(self, groups: Iterator[list[RecordRow]]) -> BatchOutcome:
        """Takes group after group, as the other hands do, until there is none or one of them may not go on."""
        outcome = BatchOutcome()
        try:
            while self._may_go_on() and (group := next(groups, None)) is not None:
                for record in group:
                    if self._may_go_on():
                        self._take(record, outcome)
        except BaseException:
            self.over.set()
            raise
        return outcome

    def _may_go_on(self) -> bool:
        return not (self.over.is_set() or self.work.line.closed)

    def _take(self, record: RecordRow, outcome: BatchOutcome) -> None:
        work = self.work
        with work.state.claim_recording(record.call_id) as claim:
            if not claim:
                outcome.claimed_elsewhere.append(record.call_id)
                return
            refuse_if_stopped(work.run.run_id, work.state)
            if _bought_meanwhile(record, work, outcome) or not self._begin(record):
                return
            _transcribe(record, claim, work, outcome, last_look=self.last_look)

    def _begin(self, record: RecordRow) -> bool:
        """Takes the record in hand; False where another has it, or a hand may not go on any more."""
        work = self.work
        with self.beginning:  # or both hands would see the same sum left, and take from it
            if not self._may_go_on():
                return False
            refuse_if_spent(work.run.run_id, work.state, work.policy)
            return work.state.move_to_work(record, RecordStatus.TRANSCRIBING, stage=Stage.TRANSCRIBE)


def _bought_meanwhile(record: RecordRow, work: Recognising, outcome: BatchOutcome) -> bool:
    """True where the record is settled without us: its text was bought while it waited, or is to be copied later."""
    try:
        reused = reuse_one(record, work.run, work.state, work.storage, stage=Stage.TRANSCRIBE)
    except Temporary as error:
        log.warning("the text of call %s was not copied: %s", record.call_id, error)
        outcome.waiting.append(record.call_id)
        return True
    outcome.done += int(reused)
    return reused


def _transcribe(record: RecordRow, claim: Claim, work: Recognising, outcome: BatchOutcome, *, last_look: bool) -> None:
    """One recording from audio to stored text; a failure is settled in its row."""
    try:
        to_text(record, claim, work)
        outcome.done += 1
    except ClaimLost:  # the row stays as it is: perhaps a successor's by now, else the next try takes it back
        outcome.claimed_elsewhere.append(record.call_id)
    except LineClosed:
        if claim.alive():
            _put_back(record, work.state)
            outcome.waiting.append(record.call_id)
        else:
            outcome.claimed_elsewhere.append(record.call_id)
    except StopRun as error:
        settle_failure(work.state, record, error, RULE, outcome)
    except Exception as error:
        log.warning("recording %s of call %s: %s", record.record_id, record.call_id, type(error).__name__)
        if isinstance(error, SpoiltAudio) and not last_look:
            _forget_audio(record, error, work.state)
        else:
            settle_failure(work.state, record, error, RULE, outcome)


def _put_back(record: RecordRow, state: State) -> None:
    """To wait, as if it had never been begun; what was answered so far is kept."""
    downloaded, transcribing = RecordStatus.DOWNLOADED, RecordStatus.TRANSCRIBING
    state.move_record(record.run_id, *record.key, downloaded, expected={transcribing}, stage=Stage.TRANSCRIBE)


def _forget_audio(record: RecordRow, error: SpoiltAudio, state: State) -> None:
    """Back to the download. The checksum stays, and tells from now on that this is not the first time."""
    state.move_record(
        *(record.run_id, *record.key),
        RecordStatus.PENDING,
        expected={RecordStatus.TRANSCRIBING},
        stage=Stage.TRANSCRIBE,
        error=error,
        attempts_plus=1,
        raw_path=None,
    )


def _was_spoilt(record: RecordRow) -> bool:
    return record.raw_path is None and record.checksum is not None
