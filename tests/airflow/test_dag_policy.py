"""Rules of the DAG, checked on the parsed DAG."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, TriggerRule
from airflow.sdk.exceptions import ParamValidationError

from include.calls import names
from include.calls.policy import load_policy
from include.common import names as common
from ops.settings.profile import REPOSITORY
from plugins.airflow_kit.deadlines import FirstQueuedAt
from plugins.airflow_kit.retry import TASK_RETRIES, LadderRetryPolicy
from plugins.calls.operators.approval import PlanWithApprovalOperator

SWITCH: dict[str, Any] = {"type": "boolean"}
OPTIONAL_TEXT: dict[str, Any] = {"type": ["null", "string"]}
# Names, types and defaults that people and programs depend on
PARAMS = {
    "period_from": (None, OPTIONAL_TEXT),
    "period_to": (None, OPTIONAL_TEXT),
    "generate_summary": (False, SWITCH),
    "dry_run": (False, SWITCH),
    "low_rate": (False, SWITCH),
    "allow_long_period": (False, SWITCH),
    "limit_calls": (0, {"type": "integer", "minimum": 0}),
    "resume_run_id": (None, OPTIONAL_TEXT | {"format": "uuid"}),
    "replay_dlq": (False, SWITCH),
    "deliver_texts": (None, {"type": ["null", "boolean"]}),
    "deliver_audio": (False, SWITCH),
    "idempotency_key": (None, OPTIONAL_TEXT | {"minLength": 1, "maxLength": 128}),
}
BATCH_CHAIN = ("batch.download", "batch.transcribe", "batch.summarize")


@pytest.fixture(scope="module")
def bag() -> Iterator[DagBag]:
    """With every area configured, as far as its DAG files ask."""
    with pytest.MonkeyPatch.context() as patch:
        for area in ("sales", "call_centre"):
            patch.setattr(f"include.{area}.schedule.IS_CONFIGURED", True)
        yield DagBag(str(REPOSITORY / "dags"))


@pytest.mark.parametrize("area", ["sales", "call_centre"])
def test_an_area_that_is_not_configured_shows_no_dag(area: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"include.{area}.schedule.IS_CONFIGURED", False)
        found = DagBag(str(REPOSITORY / "dags" / area))
    assert (found.dags, found.import_errors) == ({}, {})


@pytest.fixture(scope="module")
def dag(bag: DagBag) -> DAG:
    found: DAG = bag.dags[names.DAG_ID]
    return found


def test_every_dag_file_parses_without_error_or_warning(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert bag.captured_warnings == {}
    assert sorted(bag.dags) == sorted(path.stem for path in (REPOSITORY / "dags").glob("*/*.py")), "file name = DAG id"


def test_the_docstring_is_the_manual_shown_in_the_ui(dag: DAG) -> None:
    source = Path(dag.fileloc).read_text(encoding="utf-8")
    assert dag.doc_md is not None
    assert source.startswith(f'"""{dag.doc_md}"""')
    for param in dag.params:
        assert f"`{param}`" in dag.doc_md, "the manual explains each parameter"
    assert dag.description


def test_runs_do_not_pile_up(dag: DAG) -> None:
    assert dag.catchup is False
    assert dag.max_active_runs == 4
    assert set(dag.tags) == {"bitrix24", "calls"}


def test_params_are_those_people_depend_on(dag: DAG) -> None:
    assert list(dag.params) == list(PARAMS)
    for name, (default, schema) in PARAMS.items():
        param = dag.params.get_param(name)
        assert (param.value, type(param.value)) == (default, type(default))
        assert schema.items() <= param.schema.items(), name
        assert param.schema["title"], "the form shows it"


@pytest.mark.parametrize(
    "text",
    [
        "2025-08-01",
        "2025-08-01T10:00:00+03:00",
        "2025-08-01 10:00",
        "2025-08-01T10:00:00.5Z",
        "today",
        "today-60d",
        None,
    ],
)
def test_the_form_takes_every_date_that_the_manual_names(dag: DAG, text: str | None) -> None:
    assert dag.params.get_param("period_from").resolve(text) == text


@pytest.mark.parametrize("text", ["", "yesterday", "01.08.2025", "2025-8-1", "today+1d", "2025-08-01; DROP TABLE"])
def test_the_form_refuses_what_is_no_date(dag: DAG, text: str) -> None:
    with pytest.raises(ParamValidationError, match="does not match"):
        dag.params.get_param("period_from").resolve(text)


def test_the_deadline_counts_from_queueing(dag: DAG) -> None:
    assert dag.deadline is not None
    (alert,) = dag.deadline
    assert alert.reference == FirstQueuedAt()
    assert alert.interval == timedelta(hours=6)
    assert type(alert.callback).__name__ == "AsyncCallback", "a SyncCallback may not read connections (3.3.2)"
    assert alert.callback.path == "plugins.calls.slack_messages.deadline_missed"


def test_every_task_has_an_owner_a_time_limit_and_the_ladder(dag: DAG) -> None:
    for task in dag.tasks:
        assert task.owner == "dataops", task.task_id
        assert task.execution_timeout == timedelta(hours=6), task.task_id
        assert task.retries == TASK_RETRIES, task.task_id
        assert isinstance(task.retry_policy, LadderRetryPolicy), task.task_id
        first_step = task.retry_policy.base_seconds * task.retry_policy.ladder[0]
        assert task.retry_delay == timedelta(seconds=first_step), "Airflow asks no policy after a killed process"


def test_the_ladder_is_that_of_whom_the_task_talks_to(dag: DAG) -> None:
    steps = {
        task.task_id: [task.retry_policy.base_seconds * step for step in task.retry_policy.ladder] for task in dag.tasks
    }
    recognising = {"batch.transcribe", "batch.summarize"}
    assert {name for name, ladder in steps.items() if ladder == [10, 30, 60]} == recognising
    assert {name for name, ladder in steps.items() if ladder == [5, 15, 30, 60, 120]} == steps.keys() - recognising


def test_a_task_is_in_the_pool_of_the_system_it_calls(dag: DAG) -> None:
    pools = {task.task_id: task.pool for task in dag.tasks if task.pool != "default_pool"}
    assert pools == {
        "preflight": names.PORTAL_POOL,
        "list_calls": names.PORTAL_POOL,
        "batch.download": names.PORTAL_POOL,
        "batch.transcribe": common.RECOGNISER_POOL,
        "batch.summarize": common.RECOGNISER_POOL,
    }


def test_tasks_name_only_connections_that_the_launcher_makes(dag: DAG) -> None:
    known = {value for name, value in (vars(names) | vars(common)).items() if name.endswith("_CONN")}
    used = {value for task in dag.tasks for name, value in vars(task).items() if name.endswith("conn_id") and value}
    assert used == {common.RECOGNISER_CONN}
    assert used <= known


def test_later_tasks_of_a_batch_weigh_more_single_ones_most(dag: DAG) -> None:
    """Otherwise the later pool starves: the scheduler fills its every query with the first pool's tasks."""
    assert {task.weight_rule for task in dag.tasks} == {"absolute"}
    weights = [dag.get_task(name).priority_weight for name in BATCH_CHAIN]
    assert all(earlier < later for earlier, later in pairwise(weights))
    single = {task.priority_weight for task in dag.tasks if task.task_id not in BATCH_CHAIN}
    assert min(single) > max(weights)


def test_the_plan_waits_for_a_decision(dag: DAG) -> None:
    plan = dag.get_task("plan")
    assert isinstance(plan, PlanWithApprovalOperator)
    assert plan.defaults == [plan.REJECT], "without a decision nothing is spent"
    assert dag.doc_md is not None
    money = load_policy({}).money
    assert f"на {money.approval_over_share:.0%} выше".replace("%", " %") in dag.doc_md
    assert f"{money.approval_timeout_hours:g} часов" in dag.doc_md


def test_only_batches_are_mapped_and_independent(dag: DAG) -> None:
    mapped = {task.task_id for task in dag.tasks if task.get_closest_mapped_task_group() is not None}
    assert mapped == set(BATCH_CHAIN)
    for earlier, later in pairwise(BATCH_CHAIN):
        assert earlier in dag.get_task(later).upstream_task_ids
        assert dag.get_task(later).upstream_task_ids <= {*BATCH_CHAIN, "open_run", "plan", "want_summaries"}
    assert {dag.get_task(name).map_index_template for name in BATCH_CHAIN} == {"{{ batch_label }}"}


def test_unwanted_summaries_start_no_process(
    dag: DAG,
) -> None:
    """The scheduler skips them at once, long before the texts are there."""
    summarize = dag.get_task("batch.summarize")
    assert summarize.trigger_rule is TriggerRule.NONE_SKIPPED
    assert "want_summaries" in summarize.upstream_task_ids
    assert {"batch.transcribe", "batch.summarize"} <= dag.get_task("publish").upstream_task_ids


def test_the_only_leaf_is_the_verdict(dag: DAG) -> None:
    """Any other leaf under `all_done` would turn a failed run green."""
    assert [task.task_id for task in dag.leaves] == ["close_run"]
    assert [task.task_id for task in dag.roots] == ["open_run"]
