"""How a batch ends early: its run was stopped, a recording kills its tasks, the claim on a call is lost."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.state.claims import Claims
from include.calls.state.stored_responses import Responses
from include.calls.steps.outcome import MOST_DEATHS, BatchFailed, Unfinished
from include.calls.steps.run_lifecycle import stop_run
from include.calls.steps.transcribe_batch import RULE, transcribe_batch
from include.clients.storage.local import LocalStorage
from include.common.errors import QuotaExhausted, StopRun
from include.speech.audio.apart import _cut as cut_here
from simulators.bitrix24.world import Audio, Call, DiskFile, PortalWorld
from simulators.sound.dialogues import record
from tests.kit.export_under_faults import recorded
from tests.kit.export_under_faults import world_of as portal_of
from tests.kit.killed_worker import kill_in
from tests.kit.small_world import FIRST, bought, by_sql, codes, downloaded, statuses, world_of
from tests.kit.state_samples import end_leases
from tests.kit.whole_export import Export, Outcome, export_over

pytestmark = pytest.mark.postgres

S = RecordStatus
STORAGE = "include.clients.storage.local:LocalStorage"


@pytest.fixture
def export(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Export]:
    """Its tasks, those in processes of their own too, have one temporary folder of their machine."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with export_over(world_of(3), database, tmp_path / "storage") as export:
        yield export


class TestStop:
    @pytest.mark.parametrize("workers", [1, 2])
    def test_it_reaches_every_worker_before_its_next_recording(
        self, export: Export, monkeypatch: pytest.MonkeyPatch, workers: int
    ) -> None:
        """Another task stops the run: each worker finishes its recording and starts no other one."""
        export.workers = workers
        outcome, (batch,) = export.prepare()
        export.download(outcome, batch)
        with export.state() as other_task:
            empty = QuotaExhausted("the account is empty")
            after_the_first_response(
                lambda: stop_run(outcome.run_id, empty, other_task, stage="summarize"), monkeypatch
            )
            export.transcribe(outcome, batch)
        (red,) = outcome.red
        assert isinstance(red, StopRun)
        assert red.problem == "run_stopped"
        finished = bought(export)
        assert 1 <= finished <= workers
        assert statuses(export, outcome.run_id) == {S.COMPLETED: finished, S.DOWNLOADED: 3 - finished}

    def test_the_run_keeps_the_sentence_and_the_event_the_reason(self, export: Export) -> None:
        outcome, _ = export.prepare()
        with export.state() as state:
            for reason in ("the account is empty", "a later reason"):
                stop_run(outcome.run_id, QuotaExhausted(reason), state, stage="transcribe")
            stop = state.runs.get(outcome.run_id).metadata["stop"]
        assert stop.startswith("на счёте распознавателя нет средств")
        stopped = by_sql(export.conninfo, "SELECT detail ->> 'reason' FROM call_events WHERE event = 'run_stopped'")
        assert stopped == [("the account is empty",)], "only the first reason is stored and reported"


class TestDeaths:
    """A recording that kills each task that works on it must not keep the run from ending."""

    def test_five_deaths_make_an_error_that_says_so(self, export: Export, tmp_path: Path) -> None:
        outcome, (batch,) = export.prepare()
        export.download(outcome, batch)
        for _ in range(MOST_DEATHS):
            kill_in(export, outcome, "transcribe", f"{STORAGE}.as_file", "before", "call-1", tmp_path)
        export.transcribe(outcome, batch, fresh=False)
        assert statuses(export, outcome.run_id) == {S.ERROR: 1, S.COMPLETED: 2}
        assert codes(export, outcome.run_id) == ["internal", None, None]
        ((message,),) = by_sql(export.conninfo, "SELECT error_message FROM recordings WHERE status = 'error'")
        assert message.startswith("5 tasks died one after another in the stage transcribe of this recording")
        (red,) = outcome.red
        assert isinstance(red, BatchFailed)
        assert export.close(outcome).verdict.status is RunStatus.ERROR
        assert bought(export) == 2

    @pytest.mark.long
    def test_a_person_who_clears_the_task_has_it_tried_again(self, export: Export, tmp_path: Path) -> None:
        outcome, (batch,) = export.prepare()
        export.download(outcome, batch)
        for _ in range(MOST_DEATHS):
            kill_in(export, outcome, "transcribe", f"{STORAGE}.as_file", "before", "call-1", tmp_path)
        export.transcribe(outcome, batch, fresh=False)
        outcome.red.clear()
        export.transcribe(outcome, batch)
        assert statuses(export, outcome.run_id) == {S.COMPLETED: 3}
        assert by_sql(export.conninfo, "SELECT sum(deaths) FROM recordings") == [(0,)]

    @pytest.mark.long
    def test_no_other_recording_is_blamed_for_them(self, export: Export, tmp_path: Path) -> None:
        """Two workers die together the first time; from then on a suspect is alone, and it comes last."""
        outcome, (batch,) = export.prepare()
        export.download(outcome, batch)
        export.recogniser.latency_per_minute = 30.0
        for _ in range(2):
            kill_in(export, outcome, "transcribe", f"{STORAGE}.as_file", "before", "call-2", tmp_path)
        assert dict(by_sql(export.conninfo, "SELECT call_id, status FROM recordings")) == {
            "call-1": "completed", "call-2": "transcribing", "call-3": "completed",
        }  # fmt: skip

    @pytest.mark.long
    def test_deaths_of_downloads_count_as_well(self, export: Export, tmp_path: Path) -> None:
        outcome, (batch,) = export.prepare()
        for _ in range(MOST_DEATHS):
            kill_in(export, outcome, "download", f"{STORAGE}.put_file", "before", "call-1", tmp_path)
        export.download(outcome, batch, fresh=False)
        assert statuses(export, outcome.run_id) == {S.ERROR: 1, S.DOWNLOADED: 2}
        assert codes(export, outcome.run_id) == ["internal", None, None]


class TestDecodersThatDie:
    def test_one_recording_pays_for_it(self, export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each death is an attempt of this recording; the task lives, and the others get their texts."""
        outcome, (batch,) = export.prepare()
        export.download(outcome, batch)
        monkeypatch.setattr("include.speech.audio.apart._cut", killed_by_the_first_call)
        for attempt in range(RULE.max_attempts):
            export.transcribe(outcome, batch, fresh=not attempt)
        assert statuses(export, outcome.run_id) == {S.ERROR: 1, S.COMPLETED: 2}
        assert codes(export, outcome.run_id) == ["decoding_died", None, None]
        ((message, deaths, attempts),) = by_sql(
            export.conninfo, "SELECT error_message, deaths, stage_attempts FROM recordings WHERE status = 'error'"
        )
        assert message == "the process of killed_by_the_first_call was ended by SIGSEGV"
        assert (deaths, attempts) == (0, RULE.max_attempts)
        assert bought(export) == 2


def killed_by_the_first_call(path: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    if "call-1" in path or "call%2D1" in path:
        os.kill(os.getpid(), signal.SIGSEGV)
    yield from cut_here(path, **arguments)


def test_a_text_bought_anew_leaves_no_summary_of_the_earlier_one(database: str, tmp_path: Path) -> None:
    """Two recordings of a call show one text; one is sent back, and both had a summary of it."""
    world = portal_of(recorded(1, call_id="shared.1"), recorded(2, call_id="shared.1"))
    world.files[9002] = DiskFile(9002, world.files[9001].audio)
    with export_over(world, database, tmp_path / "storage") as export:
        outcome = export.run()
        for row in export.records(outcome.run_id):
            export.storage.put_bytes(row.keys.summary, b"summary", "text/markdown")
            by_sql(
                database,
                "UPDATE recordings SET summary_path = %s WHERE recording_id = %s",
                row.keys.summary,
                row.recording_id,
            )
        sent_back = "UPDATE call_records SET status = 'pending' WHERE run_id = %s AND record_id = '9001'"
        by_sql(database, sent_back, outcome.run_id)
        export.recogniser.faults.add("transcriptions", "body", body={"text": "Алло, это другой текст."})
        export.run(resume_run_id=str(outcome.run_id))
        rows = export.records(outcome.run_id)
        assert [row.summary_path for row in rows] == [None, None]
        assert len({row.transcript_id for row in rows}) == 1, "both show the new text"
        assert list(export.storage.keys("summary/")) == []
        assert bought(export) == 2


class TestAClaimThatIsLost:
    """The leases of a task run out while it buys a recording's pieces; an overlapping run claims the call."""

    @pytest.fixture
    def long(self, database: str, tmp_path: Path) -> Iterator[Export]:
        world = PortalWorld()
        world.add(Call(1, FIRST, "call-1", file_id=9001), Audio(partial(record, 1, seconds=25)))
        with export_over(world, database, tmp_path / "storage") as export:
            yield export

    def test_what_the_other_run_buys_is_not_bought_here(self, long: Export, monkeypatch: pytest.MonkeyPatch) -> None:
        first, second = both_prepared(long)

        def take_over() -> None:
            end_leases(long.conninfo)
            long.transcribe(second, 1)

        after_the_first_response(take_over, monkeypatch)
        long.transcribe(first, 1)
        assert (first.red, second.red) == ([], [])
        assert [statuses(long, run.run_id) for run in (first, second)] == [{S.COMPLETED: 1}] * 2
        assert first.retries == 1, "it left the recording to the other one and looked again"
        assert bought(long) == pieces_of(long) > 2

    def test_a_response_that_came_meanwhile_is_not_bought(self, long: Export, monkeypatch: pytest.MonkeyPatch) -> None:
        """The last look, right before the money: even two claims at once buy no piece that is stored already."""
        first, second = both_prepared(long)
        monkeypatch.setattr(Claims, "hold", lambda _self, _portal_id, _call_id: nullcontext(Unfounded()))

        def buy_and_die() -> None:
            with monkeypatch.context() as patch:
                patch.setattr(LocalStorage, "put_bytes", killed)
                with pytest.raises(KeyboardInterrupt):
                    long.transcribe(second, 1)

        after_the_first_response(buy_and_die, monkeypatch)
        long.transcribe(first, 1)
        long.transcribe(first, 1)
        assert statuses(long, first.run_id) == {S.COMPLETED: 1}
        assert bought(long) == pieces_of(long) > 2

    def test_a_task_believed_dead_stores_no_text(self, long: Export, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its recording was taken back while it worked: the successor finds the responses, and no file is replaced."""
        first, second = both_prepared(long)
        put_bytes, waiting = LocalStorage.put_bytes, [lambda: self.taken_over(long, second)]

        def storing(self: LocalStorage, key: str, data: bytes, content_type: str) -> None:
            if waiting:
                waiting.pop()()
            put_bytes(self, key, data, content_type)

        monkeypatch.setattr(LocalStorage, "put_bytes", storing)
        long.transcribe(first, 1)
        assert [statuses(long, run.run_id) for run in (first, second)] == [{S.COMPLETED: 1}] * 2
        assert by_sql(long.conninfo, "SELECT run_id FROM transcripts") == [(second.run_id,)]
        assert bought(long) == pieces_of(long)

    def taken_over(self, long: Export, second: Outcome) -> None:
        end_leases(long.conninfo)
        long.transcribe(second, 1)


class TestAskedToStop:
    """The host of the task is to stop (SIGTERM)."""

    def test_it_hands_back_after_the_request_under_way(self, export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
        outcome, (batch,) = export.prepare()
        export.download(outcome, batch)
        stop = Event()
        after_the_first_response(stop.set, monkeypatch)
        with pytest.raises(Unfinished) as caught:
            one_try(export, outcome, batch, stop)
        assert (caught.value.problem, caught.value.retry_after) == ("handed_back", 1.0)
        finished = bought(export)
        assert statuses(export, outcome.run_id) == {S.COMPLETED: finished, S.DOWNLOADED: 3 - finished}
        assert finished == 1, "the other worker was still cutting"
        export.transcribe(outcome, batch, fresh=False)
        assert statuses(export, outcome.run_id) == {S.COMPLETED: 3}
        assert bought(export) == 3, "nothing is paid twice"
        assert by_sql(export.conninfo, "SELECT sum(deaths), sum(attempts) FROM recordings") == [(0, 0)]

    def test_a_stop_before_it_has_begun_begins_nothing(self, export: Export) -> None:
        outcome, (batch,) = export.prepare()
        export.download(outcome, batch)
        stop = Event()
        stop.set()
        with pytest.raises(Unfinished):
            one_try(export, outcome, batch, stop)
        assert bought(export) == 0


def one_try(export: Export, outcome: Outcome, batch: int, stop: Event) -> None:
    with export.state() as state, export.recognising() as recogniser:
        transcribe_batch(
            outcome.run_id,
            batch,
            recogniser=recogniser,
            storage=export.storage,
            state=state,
            policy=export.policy,
            fresh=True,
            fetch_again=lambda: None,
            stop=stop,
        )


class Unfounded:
    """A claim that every task gets."""

    owner = UUID(int=1)

    def alive(self) -> bool:
        return True


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def both_prepared(export: Export) -> tuple[Outcome, Outcome]:
    """Two runs whose work is the one recording, which is downloaded."""
    runs = [export.prepare(dag_run_id=f"overlap__{number}") for number in range(2)]
    for outcome, (batch,) in runs:
        export.download(outcome, batch)
    assert downloaded(export) == 1
    return runs[0][0], runs[1][0]


def after_the_first_response(then: Callable[[], object], patch: pytest.MonkeyPatch) -> None:
    keep, waiting = Responses.keep, [then]

    def keeping(self: Responses, *response: Any) -> None:
        keep(self, *response)
        if waiting:
            waiting.pop()()

    patch.setattr(Responses, "keep", keeping)


def pieces_of(export: Export) -> int:
    """As the stored recognition says: one response for each piece."""
    (key,) = export.storage.keys("recognition/")
    return len(json.loads(export.storage.get_bytes(key))["answers"])
