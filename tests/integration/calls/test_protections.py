"""The five protections without which recordings would be lost or paid for twice, each shown to carry its weight.

Every test here takes one protection out and expects the violation; the tests of the same faults with the protection in
place are named beside it. If one of these fails, the protection is not what prevents the violation any more.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from include.calls.domain.states import RecordStatus
from include.calls.state import moves
from include.calls.state.state import State
from include.calls.steps import transcribe_recording as recognise
from include.clients.storage.local import LocalStorage
from tests.kit.small_world import asked, bought, by_sql, statuses, world_of
from tests.kit.whole_export import Export, Outcome, export_over

pytestmark = pytest.mark.postgres

S = RecordStatus


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    with export_over(world_of(2), database, tmp_path / "storage") as export:
        yield export


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours handles it."""


def run_together(export: Export) -> list[Outcome]:
    """Two runs of the same period, both with their audio, recognise at the same moment."""
    runs = [export.prepare(dag_run_id=f"overlap__{number}") for number in range(2)]
    for outcome, batches in runs:
        export.download(outcome, batches[0])
    threads = [threading.Thread(target=export.transcribe, args=[outcome, batches[0]]) for outcome, batches in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [outcome for outcome, _ in runs]


class Unfounded:
    """A claim that everybody gets."""

    def alive(self) -> bool:
        return True


def test_without_the_claim_two_runs_buy_the_same_recording(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    """1. The claim on the call.

    With it: tests/integration/calls/test_overlap_and_resume.py, TestOverlappingRuns.
    """
    export.recogniser.latency_per_minute, export.pause = 30.0, 0.1
    monkeypatch.setattr(State, "claim_recording", lambda _self, _call_id: nullcontext(Unfounded()))
    run_together(export)
    assert bought(export) > 2


def test_without_kept_answers_a_killed_task_pays_twice(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    """2. Responses stored as soon as they arrive.

    With it: tests/integration/calls/test_overlap_and_resume.py, "answer kept, no file".
    """
    monkeypatch.setattr(State, "save_answer", lambda *_args, **_named: None)
    export.workers = 1
    outcome, (batch,) = export.prepare()
    export.download(outcome, batch)
    with monkeypatch.context() as killed:
        killed.setattr(LocalStorage, "put_bytes", kill)
        with pytest.raises(Killed):
            export.transcribe(outcome, batch)
    export.transcribe(outcome, batch, fresh=False)
    assert statuses(export, outcome.run_id) == {S.COMPLETED: 2}
    assert bought(export) == 3


def kill(*_args: Any, **_named: Any) -> None:
    raise Killed


def test_without_the_guarded_update_two_tasks_take_the_same_recording(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    """3. An UPDATE that names the state it expects.

    With it: tests/integration/calls/state/test_recordings.py, TestMoves.
    """
    unguarded = moves._MOVE.replace("AND status = ANY({expected})", "AND {expected}::text[] IS NOT NULL")
    assert unguarded != moves._MOVE
    outcome, _ = export.prepare()
    (first, _) = export.records(outcome.run_id)
    with export.state() as one, export.state() as other:
        assert one.move_to_work(first, S.DOWNLOADING, stage="download")
        assert not other.move_to_work(first, S.DOWNLOADING, stage="download")
        monkeypatch.setattr(moves, "_MOVE", unguarded)
        assert other.move_to_work(first, S.DOWNLOADING, stage="download")
    taken = by_sql(export.conninfo, "SELECT count(*) FROM call_events WHERE event = 'downloading'")
    assert taken == [(2,)]


def test_without_the_checksum_a_damaged_file_is_bought_and_passes_for_the_call(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4. The sha256 of the stored audio.

    With it: tests/faults/test_storage.py, TestAudioThatDoesNotStay.
    """
    outcome, (batch,) = export.prepare()
    export.download(outcome, batch)
    first, second = export.records(outcome.run_id)
    others = export.storage.get_bytes(str(second.raw_path))
    (tmp_path / "storage" / str(first.raw_path)).write_bytes(others)
    monkeypatch.setattr(recognise, "_sound_audio", trusting)
    export.transcribe(outcome, batch)
    assert statuses(export, outcome.run_id) == {S.COMPLETED: 2}
    assert hashlib.sha256(export.storage.get_bytes(str(first.raw_path))).hexdigest() != first.checksum
    texts = {body_of(export, str(record.transcript_path)) for record in export.records(outcome.run_id)}
    assert len(texts) == 1, "one call has the other's text"


@contextmanager
def trusting(record: Any, storage: Any) -> Iterator[Path]:
    with storage.as_file(record.raw_path) as audio:
        yield audio


def body_of(export: Export, key: str) -> str:
    return export.storage.get_bytes(key).decode().partition("\n---\n")[2]


def test_without_reuse_the_next_night_buys_everything_again(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    """5. Texts of earlier runs are reused.

    With it: tests/integration/calls/test_overlap_and_resume.py, TestAgain.
    """
    export.run()
    monkeypatch.setattr(State, "reuse_earlier", lambda _self, _run_id: 0)
    monkeypatch.setattr(State, "reuse_one", lambda _self, _record: False)
    export.run()
    assert asked(export) == bought(export) == 4
