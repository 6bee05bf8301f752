"""A text that was bought once is never bought again (D3): rows first in SQL, then files copied inside the storage."""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from include.clients.state.rows import OwnCopies, RecordRow, Run
from include.clients.state.store import State
from include.clients.storage.base import Storage
from include.domain.errors import ErrorCode, NotConfigured, Permanent, Temporary
from include.domain.naming import RecordKeys
from include.steps.paths import keys_of

log = logging.getLogger(__name__)

COPIES_AT_ONCE = 10  # as many connections as an S3 client keeps
COPIES_AT_A_TIME = 100  # before their rows are written and a failing storage is noticed
ENOUGH_TO_JUDGE = 10
MOST_FAILURES = 10  # a storage that fails this often in one pass is down: the rest would only wait for it in vain
WHAT_TO_DO = (
    "check STORAGE_BACKEND, LOCAL_STORAGE_DIR or S3_BUCKET. If they are lost for good, set "
    "call_records.transcript_path = NULL for them, and they will be bought again"
)


def reuse_earlier_texts(run: Run, state: State, storage: Storage) -> None:
    """Completes every recording of the run that has a text already. Safe to run twice.

    A text that is gone is bought again; Temporary, once all others are copied, where the storage did not do its work;
    NotConfigured where not one of many texts is there: that is another storage, and no reason to buy everything anew.
    """
    state.reuse_earlier(run.run_id)
    _refuse_another_storage(run, state, storage)
    finish_copies(state.reused_records(run.run_id), run, state, storage, stage="plan")


def _refuse_another_storage(run: Run, state: State, storage: Storage) -> None:
    sample = list(islice(state.reused_records(run.run_id), ENOUGH_TO_JUDGE))
    places = ([record.transcript_path, *(text for text, _ in state.copies_of(record))] for record in sample)
    if len(sample) == ENOUGH_TO_JUDGE and not any(path and storage.exists(path) for group in places for path in group):
        raise NotConfigured(f"not one of the earlier texts is in this storage: {WHAT_TO_DO}")


def reuse_one(record: RecordRow, run: Run, state: State, storage: Storage, *, stage: str) -> bool:
    """The same for one recording: another run may have bought it while this one waited, or its bytes are now known.

    Temporary where the copy failed: the row is completed already, and `finish_copies` repeats the copy.
    """
    if not state.reuse_one(record):
        return False
    completed = state.record(run.run_id, record.key)
    assert completed is not None
    return copy_files(completed, run, state, storage, stage=stage)


def finish_copies(records: Iterable[RecordRow], run: Run, state: State, storage: Storage, *, stage: str) -> None:
    """Copies what a killed or failed pass has left where it was; one that fails never keeps the others waiting.

    NotConfigured where the storage looks as if it had vanished under the copying.
    """
    failed: list[str] = []
    left = (record for record in records if record.transcript_path != keys_of(record, run).transcript)
    latest: str | None = None  # this pass's last copy: while it is there, so is the storage
    with ThreadPoolExecutor(COPIES_AT_ONCE) as pool:
        while len(failed) < MOST_FAILURES and (chunk := list(islice(left, COPIES_AT_A_TIME))):
            copying = [(record, pool.submit(_first_copy, record, keys_of(record, run), storage)) for record in chunk]
            copied: list[OwnCopies] = []
            gone: list[RecordRow] = []
            for record, future in copying:
                try:
                    copy = future.result() or _other_copy(record, keys_of(record, run), state, storage)
                except Temporary as error:
                    log.warning("the text of call %s was not copied: %s", record.call_id, error)
                    failed.append(record.call_id)
                    continue
                if copy:
                    copied.append(copy)
                    latest = keys_of(record, run).transcript
                else:
                    gone.append(record)
            state.set_paths(run.run_id, copied)
            _refuse_vanished_storage(gone, latest, storage)
            for record in gone:
                _give_back(record, state, stage)
    if failed:
        names = ", ".join(failed[:5])
        raise Temporary(f"texts of earlier runs were not copied yet: {names}", code=ErrorCode.STORAGE_FAILED)


def _refuse_vanished_storage(gone: Sequence[RecordRow], latest: str | None, storage: Storage) -> None:
    """A disk that was unmounted in mid-pass looks as if texts were gone, and would have them bought anew."""
    if not gone or (len(gone) < ENOUGH_TO_JUDGE if latest is None else storage.exists(latest)):
        return
    raise NotConfigured(
        f"the storage seems to have vanished in mid-work: {len(gone)} earlier texts are not there, and none of those "
        f"just copied is: {WHAT_TO_DO}"
    )


def copy_files(record: RecordRow, run: Run, state: State, storage: Storage, *, stage: str) -> bool:
    """False where the text is gone everywhere: the record waits for the portal again, to be bought anew.

    A run of the same period finds its files in place; nothing is copied then.
    """
    keys = keys_of(record, run)
    if record.transcript_path == keys.transcript:
        return True
    copied = _first_copy(record, keys, storage) or _other_copy(record, keys, state, storage)
    if copied:
        state.set_paths(run.run_id, [copied])
        return True
    _give_back(record, state, stage)
    return False


def _give_back(record: RecordRow, state: State, stage: str) -> None:
    log.warning("the earlier text of call %s is gone: %s", record.call_id, record.transcript_path)
    state.give_back(record, stage=stage)


def _first_copy(record: RecordRow, keys: RecordKeys, storage: Storage) -> OwnCopies | None:
    """From where the record says; most texts are there."""
    assert record.transcript_path is not None
    return _copy_from(record.transcript_path, record.summary_path, record, keys, storage)


def _other_copy(record: RecordRow, keys: RecordKeys, state: State, storage: Storage) -> OwnCopies | None:
    """From where other runs have put theirs."""
    copies = (_copy_from(text, summary, record, keys, storage) for text, summary in state.copies_of(record))
    return next((copy for copy in copies if copy), None)


def _copy_from(
    transcript: str, summary: str | None, record: RecordRow, keys: RecordKeys, storage: Storage
) -> OwnCopies | None:
    """None where the transcript is not there."""
    if not _copied(storage, transcript, keys.transcript):
        return None
    _copied(storage, recognition_beside(transcript), keys.recognition)
    kept = summary is not None and _copied(storage, summary, keys.summary)
    return OwnCopies(record.key, keys.transcript, keys.summary if kept else None)


def _copied(storage: Storage, source: str, target: str) -> bool:
    """False where there is no such file. Asked after the failure: files that are there cost no question."""
    if source == target:
        return storage.exists(source)
    try:
        storage.copy(source, target)
    except Permanent:
        if storage.exists(source):
            raise
        return False
    return True


def recognition_beside(transcript_path: str) -> str:
    """The recogniser's answers lie beside the text under the same name."""
    folder, name = transcript_path.rsplit("/transcripts/", 1)
    return f"{folder}/recognition/{name.removesuffix('.txt')}.json"
