"""A report that is written again says what is new, and leaves the run's end alone: how, when and why it ended."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from include.calls.domain.qa_sample import QaCheck
from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.state.metrics import MetricsReader
from include.calls.steps.close_run import close_run
from include.calls.steps.publish import publish
from include.calls.steps.qa_review import record_checks
from include.calls.steps.rebuild import rebuild_texts
from include.calls.steps.run_lifecycle import reopen_if_unpublished, stop_run
from include.calls.wording.problems import sentence
from include.common.errors import AccessDenied, QuotaExhausted, StopRun
from tests.kit.small_world import world_of
from tests.kit.whole_export import Export, Outcome, export_over

pytestmark = [pytest.mark.postgres, pytest.mark.long]


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    with export_over(world_of(3), database, tmp_path / "storage") as export:
        yield export


def rows(export: Export, query: str, *values: object) -> list[dict[str, Any]]:
    with psycopg.connect(export.conninfo, row_factory=dict_row) as conn:
        return conn.execute(query.encode(), values).fetchall()


def stopped(export: Export) -> Outcome:
    """A run that has its texts and was stopped by the recogniser's empty account."""
    outcome, batches = export.prepare()
    export.work(outcome, batches)
    with export.state() as state:
        stop_run(outcome.run_id, QuotaExhausted("the account is empty"), state, stage="transcribe")
    assert export.close(outcome).verdict.status is RunStatus.ERROR
    return outcome


def end_of(export: Export, run_id: UUID) -> tuple[dict[str, Any], int, object]:
    """The run's row, how many events it has, and the figures of the monitoring that come of them."""
    (run,) = rows(export, "SELECT * FROM call_exports WHERE run_id = %s", run_id)
    events = len(rows(export, "SELECT 1 FROM call_events WHERE run_id = %s", run_id))
    with MetricsReader.open(export.conninfo) as reader:
        return run, events, reader.figures(run_limit=export.policy.money.budget_usd)


def written_again(export: Export, outcome: Outcome) -> None:
    """As the tasks `publish` and `close_run` do it, cleared by `jobs.qa` or `jobs.rebuild`."""
    with export.state() as state:
        reopen_if_unpublished(outcome.run_id, state, dag_run_id=outcome.dag_run_id, stage="publish")
    export.close(outcome)


def test_a_report_written_again_keeps_the_end_of_a_stopped_run(export: Export) -> None:
    outcome = stopped(export)
    before, said = end_of(export, outcome.run_id), outcome.verdict
    assert before[0]["metadata"]["stop"] == sentence(QuotaExhausted())
    report = next(key for key in export.storage.keys("exports/") if "summary_" in key and key.endswith(".md"))
    export.storage.put_bytes(report, b"old", "text/markdown")
    written_again(export, outcome)
    assert end_of(export, outcome.run_id) == before
    assert outcome.verdict == said, "and the task is red again"
    assert sentence(QuotaExhausted()) in export.storage.get_bytes(report).decode()


def test_findings_of_people_add_their_own_event_only(export: Export) -> None:
    outcome = stopped(export)
    run, events, figures = end_of(export, outcome.run_id)
    with export.state() as state:
        row = export.records(outcome.run_id, RecordStatus.COMPLETED)[0]
        record_checks(
            outcome.run_id, [QaCheck(row.call_id, row.record_id, "ok", "", where="row 1")], state, by="analyst"
        )
    written_again(export, outcome)
    now = end_of(export, outcome.run_id)
    assert now[:2] == (run, events + 1)
    for name in ("run_ends", "run_stops", "durations", "runs", "last_success_at"):
        assert getattr(now[2], name) == getattr(figures, name)


def test_rebuilt_texts_leave_the_runs_end_alone(export: Export) -> None:
    outcome = stopped(export)
    (run,) = rows(export, "SELECT * FROM call_exports")
    review = export.policy.review.model_copy(update={"min_words_per_minute": 10_000})
    with export.state() as state:
        rebuild_texts(
            outcome.run_id, state, export.storage, export.policy.model_copy(update={"review": review}), actor="a"
        )
    written_again(export, outcome)
    assert rows(export, "SELECT * FROM call_exports") == [run]


def test_a_verdict_is_repeated_even_where_it_would_be_another_one_today(export: Export) -> None:
    """The sums are today's: an operator's UPDATE shows in them, and `make resume` is what changes the end."""
    outcome = export.run()
    said = outcome.verdict.sentence
    with psycopg.connect(export.conninfo) as conn:
        conn.execute("UPDATE call_records SET status = 'pending' WHERE call_id = 'call-1'")
    written_again(export, outcome)
    assert (outcome.verdict.status, outcome.verdict.sentence) == (RunStatus.COMPLETED, said)
    assert rows(export, "SELECT status, completed_calls FROM call_exports") == [
        {"status": "completed", "completed_calls": 2}
    ]


def test_a_run_whose_files_could_not_be_written_is_judged_anew_once_they_are(export: Export) -> None:
    """The runbook's way out of a red `publish`: clear it with Downstream."""
    outcome, batches = export.prepare()
    export.work(outcome, batches)
    with export.state() as state:
        assert close_run(outcome.run_id, state, export.policy, upstream_failed="publish").status is RunStatus.ERROR
    written_again(export, outcome)
    assert outcome.verdict.status is RunStatus.COMPLETED
    assert rows(export, "SELECT status FROM call_exports") == [{"status": "completed"}]


def test_a_batch_cleared_after_the_end_closes_the_run_anew(export: Export) -> None:
    outcome = stopped(export)
    export.download(outcome, 1)
    written_again(export, outcome)
    assert outcome.verdict.status is RunStatus.COMPLETED
    ends = rows(export, "SELECT event FROM call_events WHERE call_id IS NULL AND stage = 'close_run' ORDER BY id")
    assert [end["event"] for end in ends] == ["error", "completed"]


def test_a_closed_run_sends_nothing_to_the_dlq(export: Export) -> None:
    outcome = stopped(export)
    with psycopg.connect(export.conninfo) as conn:
        conn.execute(
            "UPDATE recordings SET status = 'error', first_failed_at = now() - interval '25 hours'"
            " WHERE call_id = 'call-1'"
        )
    with export.state() as state:
        publish(outcome.run_id, state, export.storage, export.policy)
    assert rows(export, "SELECT 1 FROM call_export_dlq") == []


def test_of_several_stops_at_once_the_first_stays_and_is_told_once(export: Export) -> None:
    run_id, errors = export.open(), [QuotaExhausted("empty"), AccessDenied("revoked"), StopRun("full")] * 3
    together = Barrier(len(errors))

    def stop(error: StopRun) -> None:
        with export.state() as state:
            state.runs.get(run_id)
            together.wait()
            stop_run(run_id, error, state, stage="transcribe")

    with ThreadPoolExecutor(len(errors)) as pool:
        list(pool.map(stop, errors))
    (told,) = rows(export, "SELECT detail FROM call_events WHERE event = 'run_stopped'")
    (run,) = rows(export, "SELECT metadata FROM call_exports")
    (first,) = [error for error in errors[:3] if str(error) == told["detail"]["reason"]]
    assert told["detail"]["kind"] == type(first).__name__
    assert run["metadata"]["stop"] == sentence(first)
