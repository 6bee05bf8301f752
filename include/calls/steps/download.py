"""A batch's audio: link, file, check, storage, row. Each recording moves on by itself; the batch only paces."""

import logging
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from include.calls.domain.stages import Stage
from include.calls.domain.states import RecordStatus
from include.calls.domain.storage_keys import RecordKeys
from include.calls.policy import Policy
from include.calls.state.rows import RecordRow, Run
from include.calls.state.state import State
from include.calls.steps.outcome import BatchOutcome, FailureRule, settle_failure
from include.calls.steps.paths import keys_of, run_of
from include.calls.steps.portal_texts import keep_portal_texts
from include.calls.steps.run_lifecycle import refuse_if_stopped
from include.clients.storage.base import Storage
from include.common.errors import ExportError, StopRun, Throttled
from include.common.telephony import RecordingKey, RecordingLink, RecordingRequest, TelephonySystem
from include.common.temporary_folders import temporary_folder

log = logging.getLogger(__name__)

FEW_LEFT = 20  # then the next links are asked for: the request for them waits for its permit like any other
CONTENT_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav", "ogg": "audio/ogg", "flac": "audio/flac", "m4a": "audio/mp4"}
RULE = FailureRule(
    Stage.DOWNLOAD, RecordStatus.DOWNLOADING, RecordStatus.PENDING, max_attempts=6
)  # one try and five retries


Links = dict[RecordingKey, RecordingLink | ExportError]  # asked for right before use and never stored


@dataclass(frozen=True, slots=True)
class Stored:
    """One recording's audio in the storage."""

    key: str
    checksum: str


def download_batch(
    run_id: UUID,
    batch_no: int,
    *,
    telephony: TelephonySystem,
    storage: Storage,
    state: State,
    policy: Policy,
    fresh: bool,
) -> int:
    """Stores what the batch lacks; returns how many recordings this pass stored.

    `fresh` is True on the task's first try and after a person cleared it: only then are errors tried again.
    Raises Unfinished, Throttled, BatchFailed or StopRun (see `outcome.py`).
    """
    state.recover_stale(run_id, batch_no, RecordStatus.DOWNLOADING, stage=Stage.DOWNLOAD)
    if fresh:
        state.reopen_batch(run_id, batch_no, to=RecordStatus.PENDING, stage=Stage.DOWNLOAD)
    run, outcome = run_of(run_id, state), BatchOutcome()
    records = state.batch_records(run_id, batch_no, {RecordStatus.PENDING})
    with (
        temporary_folder() as folder,
        ThreadPoolExecutor(policy.portal.downloads_per_task) as pool,
        ThreadPoolExecutor(1) as links,
    ):
        _Flight(run, telephony, storage, state, outcome, pool, links, folder).carry(records)
    if policy.stt.reuse_portal_transcripts and outcome.throttled is None:
        stored = state.batch_records(run_id, batch_no, {RecordStatus.DOWNLOADED})
        try:
            keep_portal_texts(run_id, stored, telephony, state, stage=Stage.DOWNLOAD)
        except Throttled as error:
            outcome.throttled = error
    state.note_operating(run_id, telephony.server_seconds)
    left = state.batch_records(run_id, batch_no, {RecordStatus.PENDING, RecordStatus.DOWNLOADING})
    # put back or taken in hand by a task that believes this one dead: no audio yet, and no failure either
    outcome.claimed_elsewhere += [record.call_id for record in left if record.call_id not in outcome.waiting]
    in_error = state.batch_records(run_id, batch_no, {RecordStatus.ERROR})
    outcome.raise_if_unfinished(record for record in in_error if record.raw_path is None)
    return outcome.done


@dataclass(slots=True)
class _Flight:
    """Several downloads in flight, the next links asked for before they run out, so that no permit lies idle.

    Rows are moved by this thread alone, in the order in which files arrive.
    """

    run: Run
    telephony: TelephonySystem
    storage: Storage
    state: State
    outcome: BatchOutcome
    downloads: ThreadPoolExecutor
    links: ThreadPoolExecutor  # never behind downloads that wait for their turn
    folder: Path
    flying: dict[Future[Stored], RecordRow] = field(default_factory=dict)

    def carry(self, records: Sequence[RecordRow]) -> None:
        """Ends with no record of these in `downloading`, whatever it raises, unless the database is away."""
        size = self.telephony.links_at_once
        chunks = [records[start : start + size] for start in range(0, len(records), size)]
        asked: Future[Links] | None = None
        try:
            while True:
                if chunks and asked is None and len(self.flying) < FEW_LEFT and not self.outcome.throttled:
                    refuse_if_stopped(self.run.run_id, self.state)
                    asked = self.links.submit(self.telephony.links, [_request(record) for record in chunks[0]])
                if asked is None and not self.flying:
                    return
                running: list[Future[Any]] = [*self.flying, *([asked] if asked else [])]
                wait(running, return_when=FIRST_COMPLETED)
                for future in [future for future in self.flying if future.done()]:
                    self._settle(future)
                if asked and asked.done():
                    self._start(chunks.pop(0), asked.result())
                    asked = None
        except BaseException:
            self._land()
            raise

    def _start(self, records: Sequence[RecordRow], links: Links) -> None:
        for record in records:
            if self.state.move_to_work(record, RecordStatus.DOWNLOADING, stage=Stage.DOWNLOAD):
                target = self.folder / str(record.statistics_id)
                future = self.downloads.submit(
                    _fetch, self.telephony, self.storage, keys_of(record, self.run), links[record.key], target
                )
                self.flying[future] = record

    def _land(self) -> None:
        """What has not begun goes back to the queue; what is in flight is waited for and counts."""
        waiting = [future for future in self.flying if future.cancel()]
        for record in map(self.flying.pop, waiting):
            self.state.move_record(
                *(record.run_id, *record.key),
                RecordStatus.PENDING,
                expected={RecordStatus.DOWNLOADING},
                stage=Stage.DOWNLOAD,
            )
        for future in list(self.flying):
            with suppress(StopRun):
                self._settle(future)

    def _settle(self, future: "Future[Stored]") -> None:
        record = self.flying.pop(future)
        result = future.exception() or future.result()
        if isinstance(result, Stored):
            self.outcome.done += self.state.move_record(
                *(record.run_id, *record.key),
                RecordStatus.DOWNLOADED,
                expected={RecordStatus.DOWNLOADING},
                stage=Stage.DOWNLOAD,
                raw_path=result.key,
                checksum=result.checksum,
                stage_attempts=0,
            )
        elif isinstance(result, Exception):
            log.warning("recording %s of call %s: %s", record.record_id, record.call_id, type(result).__name__)
            settle_failure(self.state, record, result, RULE, self.outcome)
        else:
            raise result


def _request(record: RecordRow) -> RecordingRequest:
    reference = str(record.file_id) if record.file_id is not None else None
    return RecordingRequest(record.key, record.statistics_id, reference)


def _fetch(
    telephony: TelephonySystem, storage: Storage, keys: RecordKeys, link: RecordingLink | ExportError, target: Path
) -> Stored:
    if isinstance(link, ExportError):
        raise link
    file = telephony.download(link, target)
    key = keys.raw(file.extension)
    storage.put_file(key, target, CONTENT_TYPES.get(file.extension, "application/octet-stream"))
    target.unlink(missing_ok=True)  # a local storage moves the file
    return Stored(key, file.sha256)
