"""What happens when two runs, or a run and a person's command, meet: the pairs of docs/runs_that_meet.md."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from include.common.errors import BadInput, StopRun
from tests.kit.small_world import bought, by_sql, downloaded, statuses, world_of
from tests.kit.whole_export import Export, export_over

pytestmark = pytest.mark.postgres

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
