"""Runs are opened once, move as the state machine says, and sum up what recordings and ledger hold."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from include.calls.domain.run_progress import Progress
from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.state.state import State
from include.common.errors import BadInput, NotConfigured
from tests.kit.state_samples import (
    bought,
    call,
    charge,
    downloaded,
    events,
    executed,
    give_up,
    listed,
    new_run,
    one,
    opened,
    rows,
    selected,
    to_text,
)

pytestmark = pytest.mark.postgres

S = RecordStatus
AGAIN = (
    "UPDATE call_records SET status = 'pending', error_message = NULL, retry_count = retry_count + 1 WHERE run_id = %s"
)


class TestOpening:
    def test_a_repeated_task_finds_the_run_it_opened(self, state: State, database: str) -> None:
        first = state.runs.open(new_run())
        again = state.runs.open(new_run())
        assert first.created
        assert not again.created
        assert replace(again, created=True) == first
        assert events(database, first) == [("open_run", "pending", {"actor": "Оператор 1"})]

    def test_a_used_key_answers_with_its_run_and_creates_nothing(self, state: State) -> None:
        first = state.runs.open(new_run(dag_run_id="dag-1"))
        other = state.runs.open(new_run(dag_run_id="dag-2"))
        assert (other.run_id, other.dag_run_id) == (first.run_id, "dag-1")
        assert state.runs.of_key("key-1") == replace(first, created=False)
        assert state.runs.of_key("key-2") is None

    def test_the_own_dag_run_comes_before_another_runs_key(self, state: State) -> None:
        state.runs.open(new_run("key-1", "dag-1"))
        own = state.runs.open(new_run("key-2", "dag-2"))
        assert state.runs.open(new_run("key-1", "dag-2")).run_id == own.run_id

    def test_an_unknown_run_is_bad_input(self, state: State) -> None:
        with pytest.raises(BadInput, match="there is no run"):
            state.runs.get(uuid4())

    def test_a_dag_run_that_resumes_works_on_the_resumed_run(self, state: State) -> None:
        first = state.runs.open(new_run("key-1", "dag-1"))
        second = state.runs.open(new_run("key-2", "dag-2"))

        def run_of(dag_run_id: str, resumed: str | None = None) -> object:
            found = state.runs.of_dag_run(dag_run_id, resumed=resumed)
            return found and found.run_id

        assert run_of("dag-2") == second.run_id
        assert run_of("dag-2", str(first.run_id)) == first.run_id
        assert run_of("dag-3") is None

    def test_a_run_belongs_to_the_dag_run_that_started_it_last(self, state: State) -> None:
        run = opened(state)
        assert run.worked_by == "dag-1"
        for name in ("dag-2", "dag-3"):
            state.runs.finish(run.run_id, RunStatus.ERROR, verdict="", failed_step=None)
            state.runs.move(run.run_id, RunStatus.RUNNING, expected={RunStatus.ERROR}, stage="open_run", worker=name)
            assert state.runs.get(run.run_id).worked_by == name

    def test_an_end_by_another_dag_run_is_refused(self, state: State) -> None:
        run = opened(state)
        assert not state.runs.finish(run.run_id, RunStatus.ERROR, verdict="", failed_step=None, worker="dag-2")
        assert state.runs.get(run.run_id).status is RunStatus.RUNNING
        assert state.runs.finish(run.run_id, RunStatus.ERROR, verdict="", failed_step=None, worker="dag-1")

    def test_an_open_run_is_taken_over_once(self, state: State, database: str) -> None:
        """The time of the run counts from there; the stop that is lifted stands in the event."""
        run = opened(state)
        state.runs.note(run.run_id, {"stop": "why"})
        assert state.runs.take_over(run, worker="dag-2", stage="open_run")
        assert not state.runs.take_over(run, worker="dag-3", stage="open_run")
        now = state.runs.get(run.run_id)
        assert (now.status, now.worked_by, now.stop) == (RunStatus.RUNNING, "dag-2", None)
        assert events(database, run)[-1] == (
            "open_run",
            "running",
            {"from": "running", "taken_over_from": "dag-1", "resumed_by": "dag-2", "stop_lifted": "why"},
        )

    def test_the_night_of_a_run_is_the_utc_date_on_which_it_was_due(self, state: State) -> None:
        run = state.runs.open(new_run(due_at=datetime(2025, 9, 1, 23, 59, tzinfo=UTC)))
        assert run.night.isoformat() == "2025-09-01"


class TestMoves:
    def test_a_run_moves_from_an_expected_status_only(self, state: State, database: str) -> None:
        """Other moves are refused: unexpected ones with False, unlisted ones as a defect."""
        run = opened(state)
        assert not state.runs.move(run.run_id, RunStatus.RUNNING, expected={RunStatus.PENDING}, stage="open_run")
        with pytest.raises(ValueError, match="no move from completed to cancelled"):
            state.runs.move(run.run_id, RunStatus.CANCELLED, expected={RunStatus.COMPLETED}, stage="x")
        now = state.runs.get(run.run_id)
        assert now.status is RunStatus.RUNNING
        assert now.started_at is not None
        assert now.finished_at is None
        assert [event for stage, event, _ in events(database, run) if stage == "open_run"] == ["pending", "running"]

    def test_a_resumed_run_forgets_its_end_and_keeps_its_start(self, state: State) -> None:
        run = opened(state)
        state.runs.finish(run.run_id, RunStatus.ERROR, verdict="плохо", failed_step="preflight")
        ended = state.runs.get(run.run_id)
        assert (ended.verdict, ended.failed_step) == ("плохо", "preflight")
        assert ended.finished_at is not None
        assert state.runs.move(run.run_id, RunStatus.RUNNING, expected={RunStatus.ERROR}, stage="open_run")
        now = state.runs.get(run.run_id)
        assert (now.verdict, now.failed_step, now.finished_at) == (None, None, None)
        assert now.started_at == ended.started_at

    def test_the_first_reason_to_stop_stays(self, state: State, database: str) -> None:
        run = opened(state)
        first = {"kind": "AccessDenied", "error_code": None, "stage": "preflight"}
        assert state.runs.stop(run.run_id, "ключ отклонён", reason="the key was refused", **first)  # type: ignore[arg-type]
        assert not state.runs.stop(run.run_id, "иное", reason="other", **first)  # type: ignore[arg-type]
        assert state.runs.get(run.run_id).metadata["stop"] == "ключ отклонён"
        stops = [detail for _, event, detail in events(database, run) if event == "run_stopped"]
        assert stops == [{"reason": "the key was refused", "kind": "AccessDenied"}]

    def test_an_approved_sum_is_never_lowered(self, state: State, database: str) -> None:
        run = opened(state)
        for cost in ("5", "5", "3", "7"):
            state.runs.approve(run.run_id, Decimal(cost), stage="plan", detail={"by": "finance"})
        assert state.runs.get(run.run_id).approved_cost == Decimal(7)
        assert [event for _, event, _ in events(database, run)].count("approved") == 2

    def test_the_first_forecast_stays(self, state: State) -> None:
        run = opened(state)
        for cost in ("5", "3"):
            state.runs.set_forecast(run.run_id, Decimal(cost))
        assert state.runs.get(run.run_id).forecast_cost == Decimal(5)

    def test_notes_are_merged_key_by_key(self, state: State) -> None:
        run = opened(state)
        state.runs.note(run.run_id, {"stop": "why", "portal_total": 5})
        state.runs.note(run.run_id, {"stop": None})
        assert state.runs.get(run.run_id).metadata == {"limit_calls": 0, "stop": None, "portal_total": 5}

    def test_the_highest_seconds_of_each_method_stay(self, state: State) -> None:
        run = opened(state)
        for seconds in ({"a": 2.0}, {"a": 1.0, "b": 3.0}, {}):
            state.runs.note_server_seconds(run.run_id, seconds)
        assert state.runs.get(run.run_id).metadata["operating"] == {"a": 2.0, "b": 3.0}


class TestReport:
    def test_a_run_reports_nothing_until_it_has_listed(self, state: State) -> None:
        opened(state, "1", call(1))
        run = state.runs.open(new_run("key-2", "dag-2"))
        assert state.runs.counts(run.run_id) == {}
        with pytest.raises(NotConfigured, match="has not listed"):
            _ = run.scope
        state.runs.set_portal(run.run_id, 1)
        assert state.runs.counts(run.run_id) == {S.PENDING: 1}

    def test_a_run_reports_the_calls_of_its_period_and_portal(self, state: State) -> None:
        start, end = datetime(2025, 8, 6, 9, 2, tzinfo=UTC), datetime(2025, 8, 6, 9, 3, 0, tzinfo=UTC)
        calls = [call(number) for number in (1, 2, 3, 4)]
        opened(state, "1", *calls)
        opened(state, "2", call(3, call_id="call of the other portal"), host="other.example")
        run = opened(state, "3", *calls, period_from=start, period_to=end)
        assert [row.statistics_id for row in rows(state, run)] == [2, 3]
        assert {row.portal_id for row in rows(state, run)} == {1}

    def test_a_call_in_the_last_second_of_the_period_belongs_to_it(self, state: State) -> None:
        end = datetime(2025, 8, 6, 9, 2, tzinfo=UTC)
        late = call(2, started_at=end.replace(microsecond=900_000))
        run = opened(state, "1", call(1), late, call(3), period_to=end)
        assert [row.statistics_id for row in rows(state, run)] == [1, 2]

    def test_a_trial_reports_the_rows_that_it_listed(self, state: State) -> None:
        opened(state, "1", *(call(number) for number in range(1, 6)))
        trial = opened(state, "2", call(1), call(2))
        state.runs.set_trial_end(trial.run_id, 2)
        assert state.runs.counts(trial.run_id) == {S.PENDING: 2}

    def test_the_second_portal_is_in_the_names_of_its_runs_files(self, state: State) -> None:
        first = opened(state, "1", call(1))
        second = opened(state, "2", call(2), host="other.example", metadata={"part": "_trial"})
        state.runs.set_portal(second.run_id, 2)
        assert (first.part, state.runs.get(second.run_id).part) == ("", "_trial_at2")

    def test_an_old_run_shows_the_recordings_as_they_are_now(self, state: State) -> None:
        first = opened(state, "1", call(1))
        later = opened(state, "2", call(1))
        to_text(state, later, one(state, later))
        assert state.runs.counts(first.run_id) == {S.COMPLETED: 1}
        assert state.runs.progress(first.run_id).reused == 1
        assert state.runs.progress(later.run_id).reused == 0

    def test_progress_counts_recordings_and_the_runs_own_money(self, state: State) -> None:
        run = opened(state, "1", call(1), call(2), call(3, file_id=None))
        done, failed, _ = rows(state, run)
        to_text(state, run, done)
        give_up(state, run, failed, stored=True)
        found = state.runs.progress(run.run_id)
        minutes = Decimal("90.5") / 60
        assert replace(found, minutes=minutes) == Progress(2, 1, 0, 0, 1, minutes, Decimal("0.009"))
        assert found.minutes.quantize(Decimal("0.0001")) == minutes.quantize(Decimal("0.0001"))

    def test_a_followed_run_is_found_by_dag_run_id_or_key(self, state: State) -> None:
        run = opened(state, "1", call(1), call(2))
        to_text(state, run, rows(state, run)[0])
        state.runs.note(run.run_id, {"phase": "распознаю речь", "asked_cost": "5.25"})
        by_dag_run = state.runs.following("dag-1", run_id=None, key=None)
        assert by_dag_run is not None
        assert (by_dag_run.recordings, by_dag_run.done, by_dag_run.phase) == (2, 1, "распознаю речь")
        assert (by_dag_run.asked_cost, by_dag_run.spent) == ("5.25", pytest.approx(0.009))
        assert state.runs.following("dag-9", run_id=str(run.run_id), key=None) == by_dag_run
        assert state.runs.following("dag-9", run_id=None, key="key-1") == by_dag_run
        assert state.runs.following("dag-9", run_id=None, key="key-9") is None


class TestSums:
    def test_an_end_sums_up_exactly_and_counts_own_spending_apart(self, state: State) -> None:
        earlier = opened(state, "1", call(1), call(2))
        for row, cost in zip(rows(state, earlier), ("0.0090", "0.000002"), strict=True):
            to_text(state, earlier, row, checksum=row.record_id, cost=cost)
        start = datetime(2025, 8, 6, 9, 2, tzinfo=UTC)
        later = opened(state, "2", call(2), call(3), call(4, file_id=None), period_from=start)
        to_text(state, later, rows(state, later)[1], checksum="cc", cost="0.5")
        assert state.runs.finish(later.run_id, RunStatus.COMPLETED, verdict="хорошо", failed_step=None)
        assert not state.runs.finish(later.run_id, RunStatus.COMPLETED, verdict="иное", failed_step=None)
        done = state.runs.get(later.run_id)
        assert (done.total_calls, done.completed_calls, done.error_calls) == (3, 2, 0)
        assert done.total_minutes == (Decimal(181) / 60).quantize(Decimal("0.0001"))
        assert (done.total_cost, done.spent_cost) == (Decimal("0.500002"), Decimal("0.5"))
        assert done.verdict == "хорошо"

    def test_a_text_sent_back_stays_spent(self, state: State, database: str) -> None:
        """The new text is the cost of the recording; both are the spending of the run."""
        run = opened(state, "1", call(1))
        to_text(state, run, one(state, run), cost="0.01")
        executed(database, AGAIN, run.run_id)
        downloaded(state, run, one(state, run))
        bought(state, run, one(state, run), cost="0.02", words="Иные слова.")
        state.runs.sum_up(run.run_id)
        now = state.runs.get(run.run_id)
        assert (now.total_cost, now.spent_cost) == (Decimal("0.02"), Decimal("0.03"))

    def test_a_shared_text_counts_once_with_the_summaries_of_both(self, state: State) -> None:
        first = call(1)
        run = opened(state, "1", first, call(2, call_id=first.call_id))
        buyer, sharer = rows(state, run)
        to_text(state, run, buyer, cost="0.01")
        downloaded(state, run, sharer)
        assert state.moves.share_text(run.run_id, sharer.recording_id, stage="transcribe")
        state.charges.charge(run.run_id, sharer.recording_id, charge("0.005", purpose="summary"))
        state.runs.sum_up(run.run_id)
        now = state.runs.get(run.run_id)
        assert (now.completed_calls, now.total_cost, now.spent_cost) == (2, Decimal("0.015"), Decimal("0.015"))

    def test_a_night_with_nothing_new_adds_no_rows(self, state: State, database: str) -> None:
        calls = [call(number) for number in range(1, 20)]
        first = opened(state, "1", *calls)
        for row in rows(state, first):
            to_text(state, first, row, checksum=row.record_id)
        counted = (
            "SELECT (SELECT count(*) FROM recordings), (SELECT count(*) FROM run_work), (SELECT count(*) FROM charges),"
            " (SELECT count(*) FROM transcripts), (SELECT count(*) FROM call_events WHERE recording_id IS NOT NULL),"
            " (SELECT last_value FROM recordings_recording_id_seq)"
        )
        before = selected(database, counted)
        night = opened(state, "2", *calls)
        listed(state, night, *calls)
        assert selected(database, counted) == before
        assert state.runs.counts(night.run_id) == {S.COMPLETED: 19}
