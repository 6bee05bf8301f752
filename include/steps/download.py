"""A batch's audio: link, file, check, storage, row. Each recording moves on by itself; the batch only paces."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from include.clients.bitrix24.download import download
from include.clients.bitrix24.links import Found, Link, WantedRecording, links_of
from include.clients.bitrix24.portal import Portal
from include.clients.state.rows import RecordRow, Run
from include.clients.state.store import State
from include.clients.storage.base import Storage
from include.config.policy import Policy
from include.domain.errors import StopRun
from include.domain.naming import RecordKeys
from include.domain.states import RecordStatus
from include.steps.outcome import BatchOutcome, FailureRule, settle_failure
from include.steps.paths import keys_of, run_of
from include.steps.stop import refuse_if_stopped

log = logging.getLogger(__name__)

STAGE = "download"
LINKS_AT_ONCE = 50  # the portal's limit for one batch request; links are asked for right before use and never stored
CONTENT_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav", "ogg": "audio/ogg", "flac": "audio/flac", "m4a": "audio/mp4"}
RULE = FailureRule(STAGE, RecordStatus.DOWNLOADING, RecordStatus.PENDING, max_attempts=6)  # one try and five retries


@dataclass(frozen=True, slots=True)
class Stored:
    """One recording's audio in the storage."""

    key: str
    checksum: str


def download_batch(
    run_id: UUID, batch_no: int, *, portal: Portal, storage: Storage, state: State, policy: Policy, fresh: bool
) -> int:
    """Stores what the batch lacks; returns how many recordings this pass stored.

    `fresh` is True on the task's first try and after a person cleared it: only then are errors tried again.
    Raises Unfinished, Throttled, BatchFailed or StopRun (see `outcome.py`).
    """
    state.recover_stale(run_id, batch_no, RecordStatus.DOWNLOADING, stage=STAGE)
    if fresh:
        state.reopen_batch(run_id, batch_no, to=RecordStatus.PENDING, stage=STAGE)
    run, outcome = run_of(run_id, state), BatchOutcome()
    records = state.batch_records(run_id, batch_no, {RecordStatus.PENDING})
    for start in range(0, len(records), LINKS_AT_ONCE):
        refuse_if_stopped(run_id, state)
        _download_some(records[start : start + LINKS_AT_ONCE], run, portal, storage, state, policy, outcome)
        if outcome.throttled:
            break
    in_error = state.batch_records(run_id, batch_no, {RecordStatus.ERROR})
    outcome.raise_if_unfinished(record for record in in_error if record.raw_path is None)
    return outcome.done


def _download_some(
    records: Sequence[RecordRow],
    run: Run,
    portal: Portal,
    storage: Storage,
    state: State,
    policy: Policy,
    outcome: BatchOutcome,
) -> None:
    """Several downloads in flight; rows are moved by this thread alone, in the order in which files arrive."""
    links = links_of(portal, [WantedRecording(r.key, r.statistics_id, r.file_id) for r in records])
    mine = [r for r in records if state.move_to_work(r, RecordStatus.DOWNLOADING, stage=STAGE)]
    with (
        TemporaryDirectory(prefix="call-export-") as folder,
        ThreadPoolExecutor(policy.portal.downloads_in_flight) as pool,
    ):
        futures = {
            pool.submit(
                _fetch, portal, storage, keys_of(record, run), links[record.key], Path(folder) / str(index)
            ): record
            for index, record in enumerate(mine)
        }
        try:
            for future in as_completed(futures):
                _settle(futures[future], future.exception() or future.result(), state, outcome)
        except StopRun:
            for future in futures:
                future.cancel()
            raise


def _fetch(portal: Portal, storage: Storage, keys: RecordKeys, link: Found, target: Path) -> Stored:
    if not isinstance(link, Link):
        raise link
    file = download(portal, link, target)
    key = keys.raw(file.extension)
    storage.put_file(key, target, CONTENT_TYPES.get(file.extension, "application/octet-stream"))
    target.unlink(missing_ok=True)  # a local storage moves the file
    return Stored(key, file.sha256)


def _settle(record: RecordRow, result: Stored | BaseException, state: State, outcome: BatchOutcome) -> None:
    if isinstance(result, Stored):
        state.move_record(
            record.run_id,
            record.call_id,
            record.record_id,
            RecordStatus.DOWNLOADED,
            expected={RecordStatus.DOWNLOADING},
            stage=STAGE,
            raw_path=result.key,
            checksum=result.checksum,
            stage_attempts=0,
        )
        outcome.done += 1
    elif isinstance(result, Exception):
        log.warning("recording %s of call %s: %s", record.record_id, record.call_id, type(result).__name__)
        settle_failure(state, record, result, RULE, outcome)
    else:
        raise result
