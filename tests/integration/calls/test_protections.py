"""The protections without which recordings would be lost or paid for twice, each shown to carry its weight.

Every test here takes one protection out and expects the violation; the tests of the same faults with the protection in
place are named beside it. If one of these fails, the protection does not prevent the violation any more.
"""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from include.calls.domain.states import RecordStatus
from include.calls.state.claims import Claims
from include.calls.state.portals import Portals
from include.calls.state.stored_responses import Responses
from include.calls.steps import transcribe_batch, transcribe_recording
from include.calls.steps.run_lifecycle import stop_run
from include.clients.storage.local import LocalStorage
from include.common.errors import QuotaExhausted
from include.common.postgres_session import Session
from include.speech.recognition_client import Recogniser
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


def both_downloaded(export: Export) -> tuple[Outcome, Outcome]:
    """Two runs of the same period, both with their audio."""
    runs = [export.prepare(dag_run_id=f"overlap__{number}") for number in range(2)]
    for outcome, batches in runs:
        export.download(outcome, batches[0])
    return runs[0][0], runs[1][0]


class Unfounded:
    """A claim that every task gets."""

    owner = UUID(int=1)

    def alive(self) -> bool:
        return True


def test_without_the_claim_two_runs_buy_the_same_recording(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    """1. The claim on the call.

    With it: tests/integration/calls/test_overlap_and_resume.py, TestOverlappingRuns.
    """
    export.workers = 1
    first, second = both_downloaded(export)
    monkeypatch.setattr(Claims, "hold", lambda _self, _portal_id, _call_id: nullcontext(Unfounded()))
    recognise, waiting = Recogniser.recognise, [lambda: export.transcribe(second, 1)]

    def overlapping(self: Recogniser, *args: Any, **named: Any) -> Any:
        if waiting:
            waiting.pop()()
        return recognise(self, *args, **named)

    monkeypatch.setattr(Recogniser, "recognise", overlapping)
    export.transcribe(first, 1)
    assert statuses(export, first.run_id) == {S.COMPLETED: 2}
    assert bought(export) == 3


def test_without_kept_responses_a_killed_task_pays_twice(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    """2. Responses kept as soon as they come.

    With it: tests/integration/calls/test_overlap_and_resume.py, "response kept, no file".
    """
    monkeypatch.setattr(Responses, "keep", lambda *_args, **_named: None)
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


def test_without_the_guard_two_tasks_take_one_recording(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    """3. An UPDATE that names the status it expects.

    With it: tests/integration/calls/state/test_moves.py.
    """
    outcome, _ = export.prepare()
    (first, _) = export.records(outcome.run_id)
    with export.state() as one, export.state() as other:
        assert one.moves.take(outcome.run_id, first.recording_id, S.DOWNLOADING, stage="download")
        assert not other.moves.take(outcome.run_id, first.recording_id, S.DOWNLOADING, stage="download")
        guarded = other.session.statement("moves", "move")
        unguarded = guarded.replace(b"own.status = ANY(%(expected)s)", b"%(expected)s::text[] IS NOT NULL")
        assert unguarded != guarded
        monkeypatch.setattr(Session, "statement", lambda _self, _file, _name: unguarded)
        assert other.moves.take(outcome.run_id, first.recording_id, S.DOWNLOADING, stage="download")
    taken = by_sql(export.conninfo, "SELECT count(*) FROM call_events WHERE event = 'downloading'")
    assert taken == [(2,)]


def test_without_the_checksum_a_damaged_file_is_bought(
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
    monkeypatch.setattr(transcribe_recording, "checked_audio", trusting)
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


def test_without_the_portals_identity_the_next_night_buys_again(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    """5. One statistics row of a portal is one recording, whatever run lists it.

    With it: tests/integration/calls/test_overlap_and_resume.py, TestAgain.
    """
    export.run()
    monkeypatch.setattr(Portals, "of", another_portal_each_time)
    export.run()
    assert asked(export) == bought(export) == 4


def another_portal_each_time(self: Portals, host: str, _sample: object) -> int:
    return self._session.count("portals", "add_portal", host=f"{host}-{secrets.token_hex(4)}")


def test_without_the_stop_a_worker_takes_the_next_recording(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    """6. The question before each recording whether the run was stopped.

    With it: tests/integration/calls/steps/test_transcribe_batch.py, TestStop.
    """
    monkeypatch.setattr(transcribe_batch, "refuse_if_stopped", lambda *_: None)
    outcome, (batch,) = export.prepare()
    export.download(outcome, batch)
    with export.state() as state:
        stop_run(outcome.run_id, QuotaExhausted("the account is empty"), state, stage="test")
    export.transcribe(outcome, batch)
    assert bought(export) == 2
