"""The audio of one batch: link, file, check, storage, row. Each recording moves on its own."""

import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

from include.calls.domain.stages import Stage
from include.calls.domain.states import RecordStatus
from include.calls.domain.storage_keys import RecordingKeys
from include.calls.policy import Policy
from include.calls.state.claims import ManyClaims
from include.calls.state.state import State
from include.calls.state.types import RecordingRow
from include.calls.steps.disk_room import refuse_without_room
from include.calls.steps.outcome import (
    BatchOutcome,
    FailureRule,
    Settling,
    handed_back,
    is_suspect,
    settle_failure,
    taken_back,
)
from include.calls.steps.portal_texts import keep_portal_texts
from include.calls.steps.run_lifecycle import refuse_if_stopped
from include.clients.storage.base import Storage
from include.common.errors import ContractBroken, ExportError, NotTheRecording, StopRun, Temporary, Throttled
from include.common.telephony import RecordingKey, RecordingLink, RecordingRequest, TelephonySystem
from include.common.temporary_folders import temporary_folder

log = logging.getLogger(__name__)

FEW_LEFT = 20  # with so few links left the next ones are asked for: that request waits for its permit like any other
CONTENT_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav", "ogg": "audio/ogg", "flac": "audio/flac", "m4a": "audio/mp4"}
RULE = FailureRule(
    Stage.DOWNLOAD, RecordStatus.DOWNLOADING, RecordStatus.PENDING, max_attempts=6
)  # one try and five retries
PAGES_IN_A_ROW = 10  # pages instead of recordings, until the pass is broken off and, after the last retry, the run
_READY = {RecordStatus.PENDING, RecordStatus.DOWNLOADING}

Link = RecordingLink | ExportError
Links = dict[RecordingKey, Link]  # asked for right before use and never stored


@dataclass(frozen=True, slots=True)
class Stored:
    """The audio of one recording in the storage."""

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
    stop: Event | None = None,
) -> int:
    """Stores what the batch lacks; returns how many recordings this pass stored.

    `fresh` is True on the task's first try and after a person cleared it: only then are errors tried again.
    `stop`: once it is set, no download is begun; those under way end and count, the rest is handed back.
    Raises Unfinished, Throttled, BatchFailed or StopRun (see `outcome.py`).
    """
    stop = stop or Event()
    refuse_without_room(storage, Decimal(0))
    if fresh:
        state.moves.reopen_batch(run_id, batch_no, to=RecordStatus.PENDING, stage=Stage.DOWNLOAD)
    run, outcome = state.runs.get(run_id), BatchOutcome()
    at_once = policy.portal.downloads_per_task
    with (
        temporary_folder() as folder,
        state.claims.many() as claims,
        ThreadPoolExecutor(at_once) as pool,
        ThreadPoolExecutor(1) as links,
    ):
        settling = Settling(run, state, RULE, policy.retries, claims.owner)
        downloads = _Downloads(settling, telephony, storage, claims, outcome, pool, links, folder, at_once, stop)
        downloads.work_off(state.work.batch(run_id, batch_no, _READY))
    if policy.stt.reuse_portal_transcripts and outcome.throttled is None and not stop.is_set():
        stored = state.work.batch(run_id, batch_no, {RecordStatus.DOWNLOADED})
        try:
            keep_portal_texts(run_id, stored, telephony, state, stage=Stage.DOWNLOAD)
        except Throttled as error:
            outcome.throttled = error
    state.runs.note_server_seconds(run_id, telephony.server_seconds)
    left = state.work.batch(run_id, batch_no, _READY)
    if stop.is_set() and left:
        raise handed_back(left)
    outcome.note_left(left)
    in_error = state.work.batch(run_id, batch_no, {RecordStatus.ERROR})
    outcome.raise_if_unfinished(state, in_error=[row for row in in_error if row.raw_path is None])
    return outcome.done


@dataclass(slots=True)
class _Downloads:
    """Several downloads at once; the next links are asked for before they run out, so that no permit lies idle.

    This thread alone claims and moves recordings, in the order in which files arrive. `linked` are recordings that
    have a fresh link; `running` are at work. `pages` counts the pages that came instead of recordings in a row: many
    say that the portal's front or a proxy sends them, and the pass ends, so that not every file is asked for.
    """

    settling: Settling
    telephony: TelephonySystem
    storage: Storage
    claims: ManyClaims
    outcome: BatchOutcome
    pool: ThreadPoolExecutor
    links: ThreadPoolExecutor  # of its own: a request for links must not wait for downloads
    folder: Path
    at_once: int
    stop: Event
    linked: deque[tuple[RecordingRow, Link]] = field(default_factory=deque)
    running: dict[Future[Stored], RecordingRow] = field(default_factory=dict)
    pages: int = 0

    def work_off(self, rows: Sequence[RecordingRow]) -> None:
        """Ends with none of these recordings at work, whatever it raises, unless the database is away."""
        rows = sorted(rows, key=is_suspect)  # those that may kill this task come last
        size = self.telephony.links_at_once
        chunks = deque(rows[start : start + size] for start in range(0, len(rows), size))
        asked: Future[Links] | None = None
        try:
            while True:
                if chunks and asked is None and len(self.linked) < FEW_LEFT and not self._broken_off:
                    self._refuse_if_stopped()
                    asked = self.links.submit(self.telephony.links, [_request(row) for row in chunks[0]])
                self._start()
                if asked is None and not self.running:
                    return
                futures: list[Future[Any]] = [*self.running, *([asked] if asked else [])]
                wait(futures, return_when=FIRST_COMPLETED)
                for future in [future for future in self.running if future.done()]:
                    self._settle(future)
                if asked and asked.done():
                    found = asked.result()
                    self.linked += [(row, found[row.key]) for row in chunks.popleft()]
                    asked = None
        except BaseException:
            self._finish_running()
            raise

    def _start(self) -> None:
        """Fills the free places. After what concerns all downloads nothing more is started."""
        while self.linked and not self._broken_off:
            listed, link = self.linked[0]
            if len(self.running) >= (1 if is_suspect(listed) else self.at_once):
                return
            self._refuse_if_stopped()
            self.linked.popleft()
            if not self.claims.take(listed.portal_id, listed.call_id):
                self.outcome.claimed_elsewhere.append(listed)
                continue
            try:
                started = self._take(listed, link)
            except BaseException:
                self._give(listed)
                raise
            if not started:
                self._give(listed)

    def _take(self, listed: RecordingRow, link: Link) -> bool:
        """Under the claim on the call: what another run has done since the batch was read is not done again."""
        state, run_id = self.settling.state, self.settling.run.run_id
        row = taken_back(listed, run_id, state, RULE, self.outcome)
        if row is None:
            return False
        keys = row.keys
        name = keys.file_name
        if not state.moves.take(
            run_id,
            row.recording_id,
            RecordStatus.DOWNLOADING,
            stage=Stage.DOWNLOAD,
            owner=self.claims.owner,
            file_name=name,
        ):
            return False
        target = self.folder / str(row.recording_id)
        self.running[self.pool.submit(_fetch, self.telephony, self.storage, keys, link, target)] = row
        return True

    def _finish_running(self) -> None:
        """What has not begun goes back to the queue; what is being downloaded is waited for and counts."""
        waiting = [future for future in self.running if future.cancel()]
        for row in map(self.running.pop, waiting):
            self.settling.state.moves.move(
                self.settling.run.run_id,
                row.recording_id,
                RecordStatus.PENDING,
                expected={RecordStatus.DOWNLOADING},
                stage=Stage.DOWNLOAD,
                owner=self.claims.owner,
            )
        for future in list(self.running):
            with suppress(StopRun):
                self._settle(future)

    def _settle(self, future: "Future[Stored]") -> None:
        row = self.running.pop(future)
        result = future.exception() or future.result()
        try:
            if isinstance(result, Stored):
                self.pages = 0
                self._note_other_content(row, result)
                self.outcome.done += self.settling.state.moves.move(
                    self.settling.run.run_id,
                    row.recording_id,
                    RecordStatus.DOWNLOADED,
                    expected={RecordStatus.DOWNLOADING},
                    stage=Stage.DOWNLOAD,
                    owner=self.claims.owner,
                    raw_path=result.key,
                    checksum=result.checksum,
                    stage_attempts=0,
                    missing_since=None,
                    look_again_on=None,
                )
            elif isinstance(result, Exception):
                log.warning("recording %s of call %s: %s", row.record_id, row.call_id, type(result).__name__)
                self.pages += isinstance(result, NotTheRecording)
                settle_failure(row, self._judged(row, result), self.settling, self.outcome)
            else:
                raise result
        finally:
            self._give(row)

    def _note_other_content(self, row: RecordingRow, stored: Stored) -> None:
        """The checksum of an earlier download stays in the row until the recording is downloaded again."""
        if row.checksum is not None and row.checksum != stored.checksum:
            self.settling.state.events.add(
                self.settling.run.run_id,
                stage=Stage.DOWNLOAD,
                event="audio_changed",
                recording_id=row.recording_id,
                detail={"was": row.checksum, "now": stored.checksum},
            )

    @property
    def _broken_off(self) -> bool:
        return self.outcome.throttled is not None or self.pages >= PAGES_IN_A_ROW or self.stop.is_set()

    def _judged(self, row: RecordingRow, error: Exception) -> Exception:
        """A page after the last retry, with as many before it, is no recording's trouble: the run stops."""
        last = row.stage_attempts + 1 >= RULE.max_attempts
        if not (isinstance(error, NotTheRecording) and last and self.pages >= PAGES_IN_A_ROW):
            return error
        return ContractBroken(
            f"pages came instead of {self.pages} recordings in a row, at every retry: the portal is under maintenance, "
            "or a filter or proxy answers in its place",
            problem="pages_instead_of_recordings",
            count=self.pages,
        )

    def _give(self, row: RecordingRow) -> None:
        with suppress(Temporary):  # its lease runs out
            self.claims.give(row.portal_id, row.call_id)

    def _refuse_if_stopped(self) -> None:
        refuse_if_stopped(self.settling.run.run_id, self.settling.state)


def _request(row: RecordingRow) -> RecordingRequest:
    return RecordingRequest(row.key, row.statistics_id, row.recording_ref)


def _fetch(telephony: TelephonySystem, storage: Storage, keys: RecordingKeys, link: Link, target: Path) -> Stored:
    if isinstance(link, ExportError):
        raise link
    file = telephony.download(link, target)
    key = keys.raw(file.extension)
    storage.put_file(key, target, CONTENT_TYPES.get(file.extension, "application/octet-stream"))
    target.unlink(missing_ok=True)  # a local storage moves the file
    return Stored(key, file.sha256)
