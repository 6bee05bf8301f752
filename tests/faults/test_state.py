"""Runs asked for wrongly or twice, recordings that keep failing, recordings sent back by hand."""

import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from include.calls.domain.run_request import RunRequest
from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.state.metrics import MetricsReader
from include.calls.steps.open_run import DagRunFacts, open_run
from include.common.errors import BadInput
from simulators.bitrix24.world import DiskFile
from tests.kit.export_under_faults import kept_outside
from tests.kit.export_under_faults import world_of as portal_of
from tests.kit.small_world import (
    asked,
    bought,
    by_sql,
    codes,
    downloaded,
    registry,
    statuses,
    world_of,
)
from tests.kit.whole_export import RUN_AFTER, Export, Outcome, export_over

pytestmark = [pytest.mark.postgres, pytest.mark.long]

S = RecordStatus


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    with export_over(world_of(3), database, tmp_path / "storage") as export:
        yield export


def report(export: Export) -> str:
    (key,) = [key for key in export.storage.keys("exports/") if key.endswith(".md") and "/reports/summary" in key]
    return export.storage.get_bytes(key).decode()


class TestBadInput:
    """A request that cannot be executed is refused in one sentence, and nothing is created."""

    @pytest.mark.parametrize(
        ("request_", "sentence"),
        [
            ({"period_from": "2025-08-02", "period_to": "2025-08-01"}, "period_from"),
            ({"period_from": "2026-01-01", "period_to": "2026-01-02"}, "period_from"),
            ({"period_from": "2025-01-01", "period_to": "2025-08-02"}, "90"),
            ({"period_from": "yesterday"}, "yesterday"),
            ({"period_from": "2025-02-30"}, "2025-02-30"),
            ({"resume_run_id": str(uuid4())}, "there is no run"),
            ({"replay_dlq": True}, "resume_run_id"),
        ],
        ids=["from after to", "future", "too long", "a word", "no such day", "no such run", "replay of nothing"],
    )
    def test_it_is_refused(self, export: Export, request_: dict[str, object], sentence: str) -> None:
        with pytest.raises(BadInput, match=sentence):
            export.open(**request_)
        assert by_sql(export.conninfo, "SELECT count(*) FROM call_exports") == [(0,)]
        assert export.portal.journal.entries() == []


class TestIdempotencyKey:
    def test_the_same_key_finds_the_run_that_exists(self, export: Export) -> None:
        first = export.run(idempotency_key="august")
        asked_before = len(export.portal.journal.entries())
        request = RunRequest(period_from="2025-07-01", period_to="2025-07-02", idempotency_key="august")
        with export.state() as state:
            facts = DagRunFacts("another__1", RUN_AFTER, "tester", "manual")
            again = open_run(request, facts, state, export.policy.period, lambda _: True)
        assert (again.run_id, again.status, again.ours) == (first.run_id, RunStatus.COMPLETED, False)
        assert by_sql(export.conninfo, "SELECT count(*) FROM call_exports") == [(1,)]
        assert len(export.portal.journal.entries()) == asked_before

    def test_two_at_the_same_moment_make_one_run(self, export: Export) -> None:
        together = threading.Barrier(4)
        ours: list[bool] = []

        def ask(number: int) -> None:
            with export.state() as state:
                facts = DagRunFacts(f"dag__{number}", RUN_AFTER, "tester", "manual")
                together.wait()
                request = RunRequest(idempotency_key="one")
                ours.append(open_run(request, facts, state, export.policy.period, lambda _: True).ours)

        threads = [threading.Thread(target=ask, args=[number]) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(ours) == [False, False, False, True]
        assert by_sql(export.conninfo, "SELECT count(*) FROM call_exports") == [(1,)]


class TestDeadLetters:
    """A recording still failing a day after its first failure leaves the ordinary retries until it is replayed."""

    @pytest.fixture
    def export(self, database: str, tmp_path: Path) -> Iterator[Export]:
        """One recording, so that whoever fails is that one."""
        with export_over(world_of(1), database, tmp_path / "storage") as export:
            yield export

    def fails(self, export: Export) -> Outcome:
        export.recogniser.faults.add("transcriptions", "status", status=500, times=-1)
        outcome = export.run()
        export.recogniser.faults.clear()
        assert codes(export, outcome.run_id) == ["stt_unavailable"]
        return outcome

    def letters(self, export: Export) -> list[tuple[object, ...]]:
        return by_sql(export.conninfo, "SELECT run_id, replayed_at IS NULL FROM call_export_dlq ORDER BY moved_at")

    def given_up(self, export: Export) -> Outcome:
        """Two nights of failing, a day and an hour apart."""
        self.fails(export)
        assert self.letters(export) == []
        by_sql(export.conninfo, "UPDATE recordings SET first_failed_at = first_failed_at - interval '25 hours'")
        tonight = self.fails(export)
        assert self.letters(export) == [(tonight.run_id, True)]
        return tonight

    def test_failures_of_several_runs_count_together(self, export: Export) -> None:
        tonight = self.given_up(export)
        assert "DLQ" in report(export)
        assert "call-1" in report(export).split("DLQ")[-1]
        events = by_sql(export.conninfo, "SELECT run_id, event FROM call_events WHERE event = 'moved_to_dlq'")
        assert events == [(tonight.run_id, "moved_to_dlq")]

    def test_two_failing_nights_within_a_day_are_no_dead_letter(self, export: Export) -> None:
        self.fails(export)
        self.fails(export)
        assert self.letters(export) == []

    def test_a_failure_that_passed_is_forgotten(self, export: Export) -> None:
        """Last night the download failed, tonight the recogniser: neither has been failing for a day."""
        export.portal.faults.add("download", "status", status=502, times=-1)
        assert codes(export, export.run().run_id) == ["download_failed"]
        export.portal.faults.clear()
        by_sql(export.conninfo, "UPDATE recordings SET first_failed_at = first_failed_at - interval '25 hours'")
        self.fails(export)
        assert self.letters(export) == []

    def test_later_runs_and_resumes_leave_it_alone_and_say_so(self, export: Export) -> None:
        tonight = self.given_up(export)
        before = (downloaded(export), asked(export))
        later = export.run()
        resumed = export.run(resume_run_id=str(tonight.run_id))
        assert (downloaded(export), asked(export)) == before
        for outcome in (later, resumed):
            assert statuses(export, outcome.run_id) == {S.ERROR: 1}
            assert outcome.verdict.status is RunStatus.ERROR
        assert codes(export, later.run_id) == ["stt_unavailable"]
        (told,) = by_sql(export.conninfo, "SELECT error_message FROM call_records WHERE run_id = %s", later.run_id)
        assert str(told[0]).startswith("in the dead letter queue since ")
        assert len(self.letters(export)) == 1
        assert "call-1" in report(export).split("DLQ")[-1]

    def test_clearing_the_red_task_leaves_it_alone_too(self, export: Export) -> None:
        tonight = self.given_up(export)
        before = asked(export)
        export.transcribe(tonight, 1)
        assert asked(export) == before

    @pytest.mark.parametrize("of_later_run", [False, True], ids=["of its own run", "of a later run"])
    def test_one_command_replays_it(self, export: Export, of_later_run: bool) -> None:
        """By the run that gave up, or by any later one whose report lists it."""
        run = self.given_up(export)
        if of_later_run:
            run = export.run()
        replayed = export.run(resume_run_id=str(run.run_id), replay_dlq=True)
        assert statuses(export, replayed.run_id) == {S.COMPLETED: 1}
        assert replayed.verdict.status is RunStatus.COMPLETED
        assert [waits for _, waits in self.letters(export)] == [False]
        assert export.run().verdict.status is RunStatus.COMPLETED

    def test_after_a_replay_the_day_begins_anew(self, export: Export) -> None:
        tonight = self.given_up(export)
        export.recogniser.faults.add("transcriptions", "status", status=500, times=4)
        export.run(resume_run_id=str(tonight.run_id), replay_dlq=True)
        assert self.letters(export) == [(tonight.run_id, False)]
        by_sql(export.conninfo, "UPDATE dead_letters SET replayed_at = replayed_at - interval '26 hours'")
        by_sql(export.conninfo, "UPDATE recordings SET first_failed_at = first_failed_at - interval '25 hours'")
        later = self.fails(export)
        assert self.letters(export) == [(later.run_id, True)], "one letter for each recording"

    def test_the_runbooks_update_takes_it_out_as_well(self, export: Export) -> None:
        tonight = self.given_up(export)
        by_sql(export.conninfo, BY_HAND, "call-1", tonight.run_id)
        resumed = export.run(resume_run_id=str(tonight.run_id))
        assert statuses(export, resumed.run_id) == {S.COMPLETED: 1}
        assert [waits for _, waits in self.letters(export)] == [False]

    def test_a_renamed_recording_leaves_the_queue_for_good(self, database: str, tmp_path: Path) -> None:
        """Known by its link when it was given up, by a file id when it gets its text: one letter, one recording."""
        world = portal_of(kept_outside(1))
        with export_over(world, database, tmp_path / "outside") as export:
            tonight = self.given_up(export)
            world.calls[1].file_id = 9001
            world.files[9001] = DiskFile(9001, world.storage["2025/1.mp3"])
            later = export.run()
            assert statuses(export, later.run_id) == {S.ERROR: 1}
            export.run(resume_run_id=str(tonight.run_id), replay_dlq=True)
            assert statuses(export, later.run_id) == {S.COMPLETED: 1}
            assert self.letters(export) == [(tonight.run_id, False)]
            with MetricsReader.open(database) as reader:
                assert reader.figures(run_limit=export.policy.money.budget_usd).dead_letters_waiting == 0


BY_HAND = (
    "UPDATE call_records SET status = 'pending', error_message = NULL, retry_count = retry_count + 1"
    " WHERE call_id = %s AND run_id = %s"
)


class TestByHand:
    """The runbook's UPDATE followed by a resume: exactly that recording is done again."""

    def test_a_failed_recording_with_a_response_is_not_paid_again(self, export: Export, tmp_path: Path) -> None:
        """Every text was bought but none could be stored; one is sent back while the storage works again."""
        outcome, (batch,) = export.prepare()
        export.download(outcome, batch)
        in_the_way = tmp_path / "storage" / "transcripts" / "2025"
        in_the_way.parent.mkdir()
        in_the_way.write_text("no folder")
        export.transcribe(outcome, batch)
        assert codes(export, outcome.run_id) == ["storage_failed"] * 3
        in_the_way.unlink()
        by_sql(
            export.conninfo,
            "UPDATE recordings SET status = 'missing_audio', look_again_on = '2025-08-03' WHERE call_id <> 'call-2'",
        )
        for number in (1, 3):
            export.portal.world.delete_file(9000 + number)
        by_sql(export.conninfo, BY_HAND, "call-2", outcome.run_id)
        resumed = export.run(resume_run_id=str(outcome.run_id))
        assert statuses(export, resumed.run_id) == {S.COMPLETED: 1, S.MISSING_AUDIO: 2}
        assert bought(export) == 3

    def test_a_completed_recording_is_bought_again_on_request(self, export: Export) -> None:
        """The text was wrong, or the settings were: the old one is replaced, the others are not touched."""
        first = export.run()
        before = {row.call_id: row.checksum for row in export.records(first.run_id)}
        by_sql(export.conninfo, BY_HAND, "call-2", first.run_id)
        resumed = export.run(resume_run_id=str(first.run_id))
        assert resumed.verdict.status is RunStatus.COMPLETED
        assert (downloaded(export), bought(export)) == (4, 4)
        assert {row.call_id: row.checksum for row in export.records(first.run_id)} == before
        assert [row["retry_count"] for row in registry(export)] == ["0", "1", "0"]

    def test_so_is_one_whose_text_came_from_an_earlier_run(self, export: Export) -> None:
        """Sent back in the run that merely reports it; the run that buys it anew is named by every report."""
        first = export.run()
        second = export.run()
        by_sql(export.conninfo, BY_HAND, "call-2", second.run_id)
        export.run(resume_run_id=str(second.run_id))
        assert bought(export) == 4
        sources = "SELECT reused_from_run_id FROM call_records WHERE run_id = %s ORDER BY statistics_id"
        bought_by = [(first.run_id,), (None,), (first.run_id,)]
        assert by_sql(export.conninfo, sources, second.run_id) == bought_by
        assert by_sql(export.conninfo, sources, first.run_id) == [(None,), (second.run_id,), (None,)]

    def test_a_text_made_anew_is_what_later_runs_report(self, export: Export) -> None:
        first = export.run()
        by_sql(export.conninfo, BY_HAND, "call-2", first.run_id)
        export.recogniser.faults.add("transcriptions", "body", body={"text": "Алло, это исправленный текст."})
        export.run(resume_run_id=str(first.run_id))
        later = export.run()
        texts = [export.storage.get_bytes(str(row.transcript_path)).decode() for row in export.records(later.run_id)]
        assert ["исправленный" in text for text in texts] == [False, True, False]
        assert bought(export) == 4
