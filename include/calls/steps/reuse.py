"""A text that was bought once is never bought again (D3): rows first in SQL, then files copied inside the storage."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, repeat
from typing import NamedTuple

from include.calls.state.rows import OwnCopies, RecordRow, Run
from include.calls.state.state import State
from include.calls.steps.paths import keys_of
from include.clients.storage.base import Storage
from include.common.errors import ErrorCode, NotConfigured, Permanent, Temporary

log = logging.getLogger(__name__)

FIRST_COPIES = 100  # texts, before a failing storage is noticed
COPIES_AT_A_TIME = 500  # later on: they share two flushes of the disk, and then their rows are written
ENOUGH_TO_JUDGE = 10
MOST_FAILURES = 10  # a storage that fails this often in one pass is down: the rest would only wait for it in vain
WHAT_TO_DO = (
    "check STORAGE_BACKEND, LOCAL_STORAGE_DIR or S3_BUCKET. If they are lost for good, set "
    "call_records.transcript_path = NULL for them, and they will be bought again"
)


class _Files(NamedTuple):
    """Where a text lies, and what lies beside it."""

    transcript: str
    recognition: str
    summary: str | None


class _Reused(NamedTuple):
    """A record with the text of another run: where its files are, and where its own copies of them belong."""

    record: RecordRow
    source: _Files
    own: _Files


_Outcome = OwnCopies | Temporary | None  # None: the text is not there


def reuse_earlier_texts(run: Run, state: State, storage: Storage) -> None:
    """Completes every recording of the run that has a text already. Safe to run twice.

    A text that is gone is bought again; Temporary, once all others are copied, where the storage did not do its work;
    NotConfigured where not one of many texts is there: that is another storage, and no reason to buy everything anew.
    """
    state.reuse_earlier(run.run_id)
    records = state.reused_records(run.run_id)
    sample = list(islice(records, ENOUGH_TO_JUDGE))
    _refuse_another_storage(sample, state, storage)
    finish_copies(chain(sample, records), run, state, storage, stage="plan")


def _refuse_another_storage(sample: Sequence[RecordRow], state: State, storage: Storage) -> None:
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
    latest: str | None = None  # this pass's last copy: while it is there, so is the storage
    left = _without_own_copies(records, run)
    most = chain([FIRST_COPIES], repeat(COPIES_AT_A_TIME))
    while len(failed) < MOST_FAILURES and (texts := list(islice(left, next(most)))):
        copied: list[OwnCopies] = []
        gone: list[RecordRow] = []
        for text, first in zip(texts, _copy_all(texts, storage), strict=True):
            copy = first or _other_copy(text, state, storage)
            if isinstance(copy, Temporary):
                log.warning("the text of call %s was not copied: %s", text.record.call_id, copy)
                failed.append(text.record.call_id)
            elif copy:
                copied.append(copy)
                latest = copy.transcript_path
            else:
                gone.append(text.record)
        state.set_paths(run.run_id, copied)
        _refuse_vanished_storage(gone, latest, storage)
        for record in gone:
            _give_back(record, state, stage)
    if failed:
        names = ", ".join(failed[:5])
        raise Temporary(f"texts of earlier runs were not copied yet: {names}", code=ErrorCode.STORAGE_FAILED)


def _without_own_copies(records: Iterable[RecordRow], run: Run) -> Iterator[_Reused]:
    """A run of the same period finds its files in place; nothing is copied then."""
    for record in records:
        keys = keys_of(record, run)
        assert record.transcript_path is not None
        if record.transcript_path != keys.transcript:
            own = _Files(keys.transcript, keys.recognition, keys.summary)
            yield _Reused(record, _beside(record.transcript_path, record.summary_path), own)


def _beside(transcript: str, summary: str | None) -> _Files:
    return _Files(transcript, recognition_beside(transcript), summary)


def _refuse_vanished_storage(gone: Sequence[RecordRow], latest: str | None, storage: Storage) -> None:
    """A disk that was unmounted in mid-pass looks as if texts were gone, and would have them bought anew."""
    if not gone or (len(gone) < ENOUGH_TO_JUDGE if latest is None else storage.exists(latest)):
        return
    raise _vanished(f"{len(gone)} earlier texts are not there")


def _vanished(what: str) -> NotConfigured:
    return NotConfigured(
        f"the storage seems to have vanished in mid-work: {what}, and none of the texts just copied is: {WHAT_TO_DO}"
    )


def copy_files(record: RecordRow, run: Run, state: State, storage: Storage, *, stage: str) -> bool:
    """False where the text is gone everywhere: the record waits for the portal again, to be bought anew."""
    for text in _without_own_copies([record], run):
        (first,) = _copy_all([text], storage)
        copy = first or _other_copy(text, state, storage)
        if isinstance(copy, Temporary):
            raise copy
        if copy is None:
            _give_back(record, state, stage)
            return False
        state.set_paths(run.run_id, [copy])
    return True


def _give_back(record: RecordRow, state: State, stage: str) -> None:
    log.warning("the earlier text of call %s is gone: %s", record.call_id, record.transcript_path)
    state.give_back(record, stage=stage)


def _other_copy(text: _Reused, state: State, storage: Storage) -> _Outcome:
    """From where other runs have put theirs."""
    for transcript, summary in state.copies_of(text.record):
        (copy,) = _copy_all([text._replace(source=_beside(transcript, summary))], storage)
        if copy:
            return copy
    return None


def _copy_all(texts: Sequence[_Reused], storage: Storage) -> list[_Outcome]:
    """From where the records say; most texts are there. What lies beside a text follows one that was copied."""
    copied = _copied(storage, {text.own.transcript: text.source.transcript for text in texts})
    there = [text for text in texts if copied[text.own.transcript] is True]
    beside = {text.own.recognition: text.source.recognition for text in there}
    beside |= {own.summary: source.summary for _, source, own in there if own.summary and source.summary}
    copied_beside = _copied(storage, beside)
    if not all(copied_beside.values()) and not storage.exists(there[-1].own.transcript):
        raise _vanished("what lies beside the earlier texts is not there")
    copied |= copied_beside
    return [_outcome(text, copied) for text in texts]


def _outcome(text: _Reused, copied: Mapping[str, bool | Temporary]) -> _Outcome:
    transcript, recognition, summary = (copied.get(key or "", False) for key in text.own)
    for part in (transcript, recognition, summary):
        if isinstance(part, Temporary):
            return part
    if not transcript:
        return None
    return OwnCopies(text.record.key, text.own.transcript, text.own.summary if summary else None)


def _copied(storage: Storage, sources: Mapping[str, str]) -> dict[str, bool | Temporary]:
    """For each target whether its source is there, or what kept it from being copied."""
    told = {target: _is_there(storage, target) for target, source in sources.items() if source == target}
    pairs = [(source, target) for target, source in sources.items() if source != target]
    for (source, target), failure in zip(pairs, storage.copy_all(pairs), strict=True):
        if not isinstance(failure, Permanent):
            told[target] = failure or True
            continue
        told[target] = _is_there(storage, source)  # asked after the failure: files that are there cost no question
        if told[target] is True:
            raise failure
    return told


def _is_there(storage: Storage, key: str) -> bool | Temporary:
    try:
        return storage.exists(key)
    except Temporary as failure:
        return failure


def recognition_beside(transcript_path: str) -> str:
    """The recogniser's answers lie beside the text under the same name."""
    folder, name = transcript_path.rsplit("/transcripts/", 1)
    return f"{folder}/recognition/{name.removesuffix('.txt')}.json"
