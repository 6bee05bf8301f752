"""A text that was bought once is never bought again (D3): rows first in SQL, then files copied inside the storage."""

from include.clients.state.rows import RecordRow, Run
from include.clients.state.store import State
from include.clients.storage.base import Storage
from include.steps.paths import keys_of


def reuse_earlier_texts(run: Run, state: State, storage: Storage) -> int:
    """Completes every recording of the run that has a text already; returns how many. Safe to run twice."""
    reused = state.reuse_earlier(run.run_id)
    for record in state.reused_records(run.run_id):
        copy_files(record, run, state, storage)
    return reused


def reuse_one(record: RecordRow, run: Run, state: State, storage: Storage) -> bool:
    """The same for one recording: another run may have bought it while this one waited, or its bytes are now known."""
    if not state.reuse_one(record):
        return False
    completed = state.record(run.run_id, record.key)
    assert completed is not None
    copy_files(completed, run, state, storage)
    return True


def copy_files(record: RecordRow, run: Run, state: State, storage: Storage) -> None:
    """A run of the same period finds its files in place; nothing is copied then."""
    keys = keys_of(record, run)
    assert record.transcript_path is not None
    if record.transcript_path == keys.transcript:
        return
    recognition = recognition_beside(record.transcript_path)
    storage.copy(record.transcript_path, keys.transcript)
    if storage.exists(recognition):
        storage.copy(recognition, keys.recognition)
    if record.summary_path:
        storage.copy(record.summary_path, keys.summary)
    state.set_paths(record, transcript_path=keys.transcript, summary_path=keys.summary if record.summary_path else None)


def recognition_beside(transcript_path: str) -> str:
    """The recogniser's answers lie beside the text under the same name."""
    folder, name = transcript_path.rsplit("/transcripts/", 1)
    return f"{folder}/recognition/{name.removesuffix('.txt')}.json"
