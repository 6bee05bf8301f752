"""What happens when two runs, or a run and a person's command, meet: the pairs of docs/runs_that_meet.md."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.calls.domain.qa_sample import QaCheck
from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.steps.close_run import ClosedRun, close_abandoned
from include.calls.steps.deliver_period import deliver_period
from include.calls.steps.qa_review import record_checks
from include.calls.steps.reconcile import abandoned_runs, settle
from include.calls.steps.run_lifecycle import reopen_if_unpublished
from include.common.errors import BadInput, StopRun
from tests.kit.small_world import bought, by_sql, downloaded, registry, statuses, world_of
from tests.kit.state_samples import new_run
from tests.kit.whole_export import Export, Outcome, export_over

pytestmark = [pytest.mark.postgres, pytest.mark.long]

S = RecordStatus
STOP = """UPDATE call_exports SET metadata = metadata || '{"stop": "остановлен дежурным"}' WHERE run_id = %s"""


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    with export_over(world_of(4), database, tmp_path / "storage") as export:
        yield export


class TestResumeOfALiveRun:
    """Resume is for a run that has ended: of a run that Airflow still works on, nothing is touched."""

    def test_it_is_refused_and_the_live_run_ends_well(self, export: Export) -> None:
        first, (batch,) = export.prepare(dag_run_id="first")
        export.alive.add("first")
        export.download(first, batch)
        before = by_sql(export.conninfo, "SELECT * FROM call_exports"), by_sql(export.conninfo, "TABLE run_work")
        with pytest.raises(BadInput) as refused:
            export.open(resume_run_id=str(first.run_id), dag_run_id="second")
        assert refused.value.problem == "run_at_work"
        assert (str(first.run_id) in str(refused.value), "first" in str(refused.value)) == (True, True)
        after = by_sql(export.conninfo, "SELECT * FROM call_exports"), by_sql(export.conninfo, "TABLE run_work")
        assert after == before
        export.transcribe(first, batch)
        assert export.close(first).verdict.status is RunStatus.COMPLETED
        assert (downloaded(export), bought(export)) == (4, 4)

    def test_it_never_lifts_a_stop(self, export: Export) -> None:
        first, (batch,) = export.prepare(dag_run_id="first")
        export.alive.add("first")
        by_sql(export.conninfo, STOP, first.run_id)
        with pytest.raises(BadInput):
            export.open(resume_run_id=str(first.run_id), dag_run_id="second")
        export.work(first, [batch])
        assert [type(error) for error in first.red] == [StopRun]
        assert export.close(first).verdict.status is RunStatus.ERROR
        assert (downloaded(export), bought(export)) == (0, 0)

    def test_a_repeated_open_run_keeps_a_stop(self, export: Export) -> None:
        """The task that opened the run was killed and is tried again after a person has stopped the run."""
        run_id = export.open(dag_run_id="first")
        by_sql(export.conninfo, STOP, run_id)
        assert export.open(dag_run_id="first") == run_id
        with export.state() as state:
            assert state.runs.get(run_id).metadata["stop"] == "остановлен дежурным"

    def test_a_resume_says_which_stop_it_lifts(self, export: Export) -> None:
        first, batches = export.prepare()
        by_sql(export.conninfo, STOP, first.run_id)
        export.work(first, batches)
        export.close(first)
        resumed = export.run(resume_run_id=str(first.run_id))
        assert resumed.verdict.status is RunStatus.COMPLETED
        lifted = by_sql(
            export.conninfo, "SELECT event, detail ->> 'stop_lifted' FROM call_events WHERE detail ? 'stop_lifted'"
        )
        assert lifted == [("running", "остановлен дежурным")]

    def test_the_dag_run_that_lost_the_run_does_not_close_it(self, export: Export) -> None:
        """Airflow has ended the first DAG run, its tasks are still dying: the verdict belongs to the second one."""
        first, (old,) = export.prepare(dag_run_id="first")
        second, (new,) = export.prepare(resume_run_id=str(first.run_id), dag_run_id="second")
        export.alive.add("second")
        export.download(second, new)
        with pytest.raises(BadInput) as refused:
            export.close(first)
        assert refused.value.problem == "run_at_work"
        with pytest.raises(BadInput):
            export.work(first, [old])
        export.transcribe(second, new)
        assert export.close(second).verdict.status is RunStatus.COMPLETED
        assert statuses(export, second.run_id) == {S.COMPLETED: 4}

    def test_of_two_resumes_one_works(self, export: Export) -> None:
        first = export.run(dag_run_id="first")
        by_sql(export.conninfo, "UPDATE call_records SET status = 'pending' WHERE call_id = 'call-1'")
        resumed, batches = export.prepare(resume_run_id=str(first.run_id), dag_run_id="second")
        export.alive.add("second")
        with pytest.raises(BadInput) as refused:
            export.open(resume_run_id=str(first.run_id), dag_run_id="third")
        assert refused.value.problem == "run_at_work"
        export.work(resumed, batches)
        assert export.close(resumed).verdict.status is RunStatus.COMPLETED
        assert bought(export) == 5


class TestARunThatAirflowHasGivenUp:
    """Its DAG run was marked failed or deleted, or Airflow lost its database: no task closes the run any more."""

    def settled(self, export: Export) -> list[ClosedRun | None]:
        with export.state() as state:
            found = abandoned_runs(state, export.alive.__contains__)
            return [settle(run, state, export.storage, export.policy) for run in found]

    def test_half_done_it_ends_in_error_with_its_files(self, export: Export) -> None:
        first, (batch,) = export.prepare(dag_run_id="first")
        export.download(first, batch)
        (closed,) = self.settled(export)
        assert closed is not None
        assert closed.status is RunStatus.ERROR
        assert closed.sentence.startswith("прерван: Airflow больше не ведёт DAG-запуск first; тексты есть у 0 из 4")
        assert "Airflow has given up the DAG run first; 0 of 4" in closed.in_english
        with export.state() as state:
            run = state.runs.get(first.run_id)
        assert (run.status, run.verdict, run.finished_at is None) == (RunStatus.ERROR, closed.sentence, False)
        assert {row["status"] for row in registry(export)} == {"downloaded"}
        assert any(key.endswith(".pdf") for key in export.storage.keys("exports/"))
        events = by_sql(export.conninfo, "SELECT event FROM call_events WHERE stage = 'reconcile'")
        assert events == [("error",)]
        assert self.settled(export) == [], "closed once"

    def test_it_can_be_resumed_afterwards(self, export: Export) -> None:
        first, _ = export.prepare(dag_run_id="first")
        self.settled(export)
        resumed = export.run(resume_run_id=str(first.run_id), dag_run_id="second")
        assert (resumed.run_id, resumed.verdict.status) == (first.run_id, RunStatus.COMPLETED)

    def test_resumed_before_it_was_closed_it_is_taken_over(self, export: Export) -> None:
        first, _ = export.prepare(dag_run_id="first")
        resumed = export.run(resume_run_id=str(first.run_id), dag_run_id="second")
        assert resumed.verdict.status is RunStatus.COMPLETED
        ((detail,),) = by_sql(export.conninfo, "SELECT detail FROM call_events WHERE detail ? 'taken_over_from'")
        assert (detail["taken_over_from"], detail["resumed_by"]) == ("first", "second")

    def test_before_its_list_was_complete_it_is_in_error(self, export: Export) -> None:
        """Not one of its calls is known, so the counts alone would be good."""
        run_id = export.open(dag_run_id="first")
        (closed,) = self.settled(export)
        assert closed is not None
        assert closed.status is RunStatus.ERROR
        assert by_sql(export.conninfo, "SELECT run_id, status FROM call_exports") == [(run_id, "error")]

    def test_registered_and_never_started_it_is_in_error(self, export: Export) -> None:
        with export.state() as state:
            run = state.runs.open(new_run(dag_run_id="first"))
        (closed,) = self.settled(export)
        assert closed is not None
        assert by_sql(export.conninfo, "SELECT run_id, status, verdict FROM call_exports") == [
            (run.run_id, "error", closed.sentence)
        ]

    def test_with_nothing_left_to_do_it_is_judged_like_any_other(self, export: Export) -> None:
        """A batch was cleared without Downstream and has repaired the run."""
        first = export.run(dag_run_id="first")
        by_sql(export.conninfo, "UPDATE call_records SET status = 'pending' WHERE call_id = 'call-1'")
        export.download(first, export.batches(first.run_id)[0])
        export.transcribe(first, export.batches(first.run_id)[0])
        assert by_sql(export.conninfo, "SELECT status FROM call_exports") == [("running",)]
        (closed,) = self.settled(export)
        assert closed is not None
        assert (closed.status, "прерван" in closed.sentence) == (RunStatus.COMPLETED, False)

    def test_a_live_run_is_left_alone(self, export: Export) -> None:
        first, batches = export.prepare(dag_run_id="first")
        export.alive.add("first")
        assert self.settled(export) == []
        export.work(first, batches)
        assert export.close(first).verdict.status is RunStatus.COMPLETED

    def test_a_run_resumed_meanwhile_is_left_alone(self, export: Export) -> None:
        """Between the question to Airflow and the end of the run, a person resumes it."""
        first, _ = export.prepare(dag_run_id="first")
        with export.state() as state:
            (found,) = abandoned_runs(state, export.alive.__contains__)
            resumed, batches = export.prepare(resume_run_id=str(first.run_id), dag_run_id="second")
            assert settle(found, state, export.storage, export.policy) is None
            assert close_abandoned(found, state, export.policy, failed_step=None) is None
        export.work(resumed, batches)
        assert export.close(resumed).verdict.status is RunStatus.COMPLETED

    def test_without_a_storage_it_is_closed_all_the_same(self, export: Export, tmp_path: Path) -> None:
        """Publish, cleared later, judges it anew."""
        first, batches = export.prepare(dag_run_id="first")
        export.work(first, batches)
        away = tmp_path / "away"
        (tmp_path / "storage").rename(away)
        (tmp_path / "storage").write_text("not a folder")
        (closed,) = self.settled(export)
        assert closed is not None
        assert (closed.status, "не выполнен шаг publish" in closed.sentence) == (RunStatus.ERROR, True)
        (tmp_path / "storage").unlink()
        away.rename(tmp_path / "storage")
        with export.state() as state:
            reopen_if_unpublished(first.run_id, state, dag_run_id="first", stage="publish")
        assert export.close(first).verdict.status is RunStatus.COMPLETED

    def test_a_dry_run_with_its_forecast_is_complete(self, export: Export) -> None:
        export.prepare(dag_run_id="first", dry_run=True)
        (closed,) = self.settled(export)
        assert closed is not None
        assert closed.sentence == "прогноз готов, ничего не скачано и не потрачено"


class TestTwoRunsAtWork:
    def test_the_stop_of_one_is_not_the_others(self, export: Export) -> None:
        first, (batch,) = export.prepare(dag_run_id="first")
        second, (others,) = export.prepare(dag_run_id="second")
        export.alive |= {"first", "second"}
        by_sql(export.conninfo, STOP, first.run_id)
        export.work(first, [batch])
        assert export.close(first).verdict.status is RunStatus.ERROR
        export.work(second, [others])
        assert export.close(second).verdict.status is RunStatus.COMPLETED
        assert (downloaded(export), bought(export)) == (4, 4)


class TestAPersonsCommand:
    """QA, rebuild and deliver meet a run that has not ended."""

    def findings(self, export: Export, run: Outcome) -> None:
        row = export.records(run.run_id, S.COMPLETED)[0]
        with export.state() as state:
            finding = QaCheck(row.call_id, row.record_id, "issue", "роли перепутаны", where="row 1")
            assert record_checks(run.run_id, [finding], state, by="analyst") == 1

    def report(self, export: Export) -> str:
        (key,) = [key for key in export.storage.keys("exports/") if key.endswith(".md") and "summary_" in key]
        return export.storage.get_bytes(key).decode()

    def test_findings_on_a_run_at_work_are_in_its_report(self, export: Export) -> None:
        first, batches = export.prepare()
        export.work(first, batches)
        self.findings(export, first)
        export.close(first)
        assert "роли перепутаны" in self.report(export)

    def test_findings_on_an_abandoned_run_are_in_the_report_of_its_end(self, export: Export) -> None:
        first, batches = export.prepare(dag_run_id="first")
        export.work(first, batches)
        self.findings(export, first)
        with export.state() as state:
            (run,) = abandoned_runs(state, export.alive.__contains__)
            settle(run, state, export.storage, export.policy)
        assert "роли перепутаны" in self.report(export)

    def test_a_delivery_in_mid_run_is_completed_by_publish(self, export: Export) -> None:
        first, (batch,) = export.prepare()
        with export.state() as state:
            rows = state.work.batch(first.run_id, batch, {S.PENDING})
            state.work.forget_batches(first.run_id)
            early, late = state.work.assign(
                first.run_id, [[row.recording_id for row in rows[:2]], [row.recording_id for row in rows[2:]]]
            )
        export.work(first, [early])
        with export.state() as state:
            period = state.runs.get(first.run_id).period
            deliver_period(period, "", state, export.storage, export.policy, audio=False, mask=None, actor="analyst")
        copies = [key for key in export.storage.keys("exports/") if "/transcripts/" in key]
        assert len(copies) == 2
        export.work(first, [late])
        assert export.close(first).verdict.status is RunStatus.COMPLETED
        assert [row["transcript_path"] for row in registry(export)] == [
            f"transcripts/call_call-{number}.txt" for number in (1, 2, 3, 4)
        ]
        assert len([key for key in export.storage.keys("exports/") if "/transcripts/" in key]) == 4
