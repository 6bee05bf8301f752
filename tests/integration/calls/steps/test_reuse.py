"""Texts that are gone, copies that fail, claims that are lost: one recording's trouble, paid for at most once."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.state.state import State
from include.clients.storage.base import CopyFailure, storage_failure
from include.clients.storage.local import LocalStorage
from include.common.errors import Temporary
from simulators.bitrix24.world import Audio, Call, PortalWorld
from simulators.sound.dialogues import record
from tests.kit.small_world import FIRST, bought, by_sql, downloaded, statuses, world_of
from tests.kit.state_samples import cut_connections
from tests.kit.whole_export import Export, Outcome, export_over

pytestmark = pytest.mark.postgres

S = RecordStatus
OTHER = {"period_from": "2025-07-31", "period_to": "2025-08-02"}  # another folder, so that texts must be copied
THIRD = {"period_from": "2025-07-30", "period_to": "2025-08-02"}


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    with export_over(world_of(2), database, tmp_path / "storage") as export:
        yield export


def texts(export: Export, *runs: Any) -> list[bool]:
    """Whether each completed row's text is there, under the run's own folder."""
    return [export.storage.exists(str(row.transcript_path)) for run in runs for row in export.records(run.run_id)]


def lose_text(export: Export, run: Any, number: int = 0) -> None:
    export.storage.delete(str(export.records(run.run_id)[number].transcript_path))


class TestATextThatIsGone:
    def test_it_is_bought_again_once_and_the_others_are_reused(self, export: Export) -> None:
        lose_text(export, export.run())
        second = export.run(**OTHER)
        assert (second.verdict.status, second.red) == (RunStatus.COMPLETED, [])
        first_row, second_row = export.records(second.run_id)
        assert (first_row.reused_from_run_id, second_row.reused_from_run_id is None) == (None, False)
        assert (bought(export), downloaded(export)) == (3, 3)

        third = export.run(**THIRD)
        assert third.verdict.status is RunStatus.COMPLETED
        assert bought(export) == 3, "the text bought anew is the one to reuse"
        assert texts(export, second, third) == [True] * 4

    def test_the_history_says_so_and_the_row_keeps_nothing_of_the_lost_text(self, export: Export) -> None:
        first = export.run()
        lose_text(export, first)
        second, _ = export.prepare(**OTHER)
        (row,) = export.records(second.run_id, S.PENDING)
        assert (row.transcript_path, row.raw_path, row.audio_sec, row.language) == (None, None, None, None)
        told = by_sql(export.conninfo, "SELECT detail FROM call_events WHERE event = 'pending' AND call_id <> ''")
        assert told == [({"from": "completed", "why": "the earlier text is gone from the storage"},)]
        gone = by_sql(export.conninfo, "SELECT run_id, call_id FROM call_events WHERE event = 'text_gone'")
        assert gone == [(first.run_id, row.call_id)]
        assert by_sql(export.conninfo, "SELECT sum(cost) FROM call_records WHERE status = 'pending'") == [(None,)]

    def test_a_later_runs_copy_stands_in_for_it(self, export: Export) -> None:
        """Old folders are deleted from the far end: what they held was copied by each night since."""
        first = export.run()
        export.run(**OTHER)
        lose_text(export, first, 0)
        lose_text(export, first, 1)
        third = export.run(**THIRD)
        assert statuses(export, third.run_id) == {S.COMPLETED: 2}
        assert texts(export, third) == [True, True]
        assert bought(export) == 2

    def test_found_gone_in_the_batch_it_is_fetched_and_bought_there(self, export: Export) -> None:
        """The plan of the second run came too early to know the text; it is lost before the second run wants it."""
        second, (batch,) = export.prepare(**OTHER)
        export.download(second, batch)
        lose_text(export, export.run())
        export.transcribe(second, batch)
        assert second.red == []
        assert statuses(export, second.run_id) == {S.COMPLETED: 2}
        assert bought(export) == 3
        assert texts(export, second) == [True, True]

    def test_a_summary_that_is_gone_costs_only_itself(self, export: Export) -> None:
        first = export.run()
        by_sql(export.conninfo, "UPDATE call_records SET summary_path = 'exports/gone/summary/call_1.md'")
        second = export.run(**OTHER)
        assert [row.summary_path for row in export.records(second.run_id)] == [None, None]
        assert texts(export, first, second) == [True] * 4
        assert bought(export) == 2


class TestACopyThatFails:
    def test_in_the_plan_the_others_are_copied_and_the_plan_is_tried_again(
        self, export: Export, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = export.run()
        with monkeypatch.context() as patch:
            refuse_copies_of(str(export.records(first.run_id)[0].transcript_path), patch)
            with pytest.raises(Temporary, match="call-1"):
                export.prepare(dag_run_id="second", **OTHER)
        paths = by_sql(
            export.conninfo, "SELECT transcript_path FROM call_records WHERE run_id <> %s ORDER BY 1", first.run_id
        )
        assert ["2025-07-31_" in str(path) for (path,) in paths] == [True, False]
        second = export.run(dag_run_id="second", **OTHER)
        assert {"2025-07-31_" in str(row.transcript_path) for row in export.records(second.run_id)} == {True}
        assert bought(export) == 2

    @pytest.mark.parametrize("killed", [False, True], ids=["failed", "killed"])
    def test_in_the_batch_it_is_repeated_by_the_next_try(
        self, export: Export, monkeypatch: pytest.MonkeyPatch, killed: bool
    ) -> None:
        second, (batch,) = export.prepare(**OTHER)
        export.download(second, batch)
        export.run()
        with monkeypatch.context() as patch:
            refuse_copies_of("transcripts/call_call-1.txt", patch, KeyboardInterrupt() if killed else None)
            if killed:
                with pytest.raises(KeyboardInterrupt):
                    export.transcribe(second, batch)
            else:
                with pytest.raises(AssertionError, match="still temporary"):
                    export.transcribe(second, batch)
                assert statuses(export, second.run_id) == {S.COMPLETED: 2}, "the other one did not wait for it"
        export.transcribe(second, batch, fresh=False)
        assert second.red == []
        assert {"2025-07-31_" in str(row.transcript_path) for row in export.records(second.run_id)} == {True}
        assert texts(export, second) == [True, True]
        assert bought(export) == 2


def refuse_copies_of(name: str, patch: pytest.MonkeyPatch, refusal: BaseException | None = None) -> None:
    copy_all = LocalStorage.copy_all

    def copying(self: LocalStorage, pairs: Sequence[tuple[str, str]]) -> list[CopyFailure | None]:
        if refusal and any(source.endswith(name) for source, _ in pairs):
            raise refusal
        left = [pair for pair in pairs if not pair[0].endswith(name)]
        failures = dict(zip(left, copy_all(self, left), strict=True))
        return [failures.get(pair, storage_failure(pair[0], "I/O error")) for pair in pairs]

    patch.setattr(LocalStorage, "copy_all", copying)


class TestAClaimThatIsLost:
    """PostgreSQL restarts while the pieces of a recording are bought; an overlapping run takes over the call."""

    @pytest.fixture
    def long(self, database: str, tmp_path: Path) -> Iterator[Export]:
        world = PortalWorld()
        world.add(Call(1, FIRST, "call-1", file_id=9001), Audio(partial(record, 1, seconds=25)))
        with export_over(world, database, tmp_path / "storage") as export:
            yield export

    def test_what_the_other_run_buys_is_not_bought_here(self, long: Export, monkeypatch: pytest.MonkeyPatch) -> None:
        first, second = both_downloaded(long)

        def take_over() -> None:
            cut_connections(long.conninfo)
            long.transcribe(second, 1)

        after_the_first_answer(take_over, monkeypatch)
        long.transcribe(first, 1)
        assert (first.red, second.red) == ([], [])
        assert [statuses(long, run.run_id) for run in (first, second)] == [{S.COMPLETED: 1}] * 2
        assert texts(long, first, second) == [True, True]
        assert first.retries == 1, "it left the recording to the other one and looked again"
        assert bought(long) == pieces_of(long) > 2

    def test_an_answer_that_came_meanwhile_is_not_bought(self, long: Export, monkeypatch: pytest.MonkeyPatch) -> None:
        """The last look, right before the money: even two claims at once buy no piece that is saved already."""
        first, second = both_downloaded(long)
        monkeypatch.setattr(State, "claim_recording", lambda _self, _call_id: nullcontext(Unfounded()))

        def buy_and_die() -> None:
            with monkeypatch.context() as patch:
                patch.setattr(LocalStorage, "put_bytes", killed)
                with pytest.raises(KeyboardInterrupt):
                    long.transcribe(second, 1)

        after_the_first_answer(buy_and_die, monkeypatch)
        long.transcribe(first, 1)
        assert statuses(long, first.run_id) == {S.COMPLETED: 1}
        assert bought(long) == pieces_of(long) > 2


class Unfounded:
    """A claim that everybody gets."""

    def alive(self) -> bool:
        return True


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def both_downloaded(export: Export) -> tuple[Outcome, Outcome]:
    runs = [export.prepare(dag_run_id=f"overlap__{number}") for number in range(2)]
    for outcome, (batch,) in runs:
        export.download(outcome, batch)
    return runs[0][0], runs[1][0]


def after_the_first_answer(then: Callable[[], None], patch: pytest.MonkeyPatch) -> None:
    save, calls = State.save_answer, [then]

    def saving(self: State, *answer: Any) -> None:
        save(self, *answer)
        if calls:
            calls.pop()()

    patch.setattr(State, "save_answer", saving)


def pieces_of(export: Export) -> int:
    """As the stored recognition tells: one answer for each piece."""
    (key,) = [key for key in export.storage.keys("") if "/recognition/" in key]
    return len(json.loads(export.storage.get_bytes(key))["answers"])
