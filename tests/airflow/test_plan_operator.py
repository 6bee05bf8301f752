"""The plan's operator by itself: when it parks, how long it waits, who is notified, what each decision returns."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from airflow.sdk.bases.notifier import BaseNotifier
from airflow.sdk.exceptions import TaskAwaitingInput

from include.calls.reporting.approval_question import Question
from include.calls.steps.plan import Planned
from plugins.calls import slack_messages, tasks
from plugins.calls.operators.approval import PlanWithApprovalOperator
from plugins.hooks import calls_policy as policy

QUESTION = Question("Потратить до 94,50 USD?", "| Период |", Decimal("94.50"), Decimal(90), Decimal(54))
RUN = UUID("0b0e7a3e-3f5c-4a53-9a0c-6d6a3c1c7b11")
AT = datetime(2025, 8, 3, 2, tzinfo=UTC)


class Notifier(BaseNotifier):
    def __init__(self) -> None:
        super().__init__()
        self.subjects: list[str] = []

    def notify(self, context: Any) -> None:
        self.subjects.append(context["task"].subject)


class TaskInstance(SimpleNamespace):
    """The XComs of one task."""

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value

    def xcom_pull(self, *, task_ids: str, key: str) -> Any:
        assert task_ids == "plan"
        return self.xcoms[key]


@pytest.fixture
def operator() -> PlanWithApprovalOperator:
    return PlanWithApprovalOperator(task_id="plan", run_id=RUN)


@pytest.fixture
def context(operator: PlanWithApprovalOperator) -> dict[str, Any]:
    ti = TaskInstance(id="ti-1", xcoms={})
    return {"task": operator, "task_instance": ti, "ti": ti}


@pytest.fixture
def notifier(monkeypatch: pytest.MonkeyPatch) -> Notifier:
    made = Notifier()
    monkeypatch.setattr(slack_messages, "ApprovalWanted", lambda: made)
    return made


def planned(monkeypatch: pytest.MonkeyPatch, result: Planned) -> None:
    monkeypatch.setattr(tasks, "plan", lambda _context, _run_id: result)


def test_within_the_budget_it_returns_the_batches(
    operator: PlanWithApprovalOperator,
    context: Any,
    asked: list[dict[str, Any]],
    notifier: Notifier,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planned(monkeypatch, Planned([1, 2], "прогноз"))
    assert operator.execute(context) == [1, 2]
    assert (asked, notifier.subjects, context["ti"].xcoms) == ([], [], {})


def test_above_the_budget_it_asks_and_parks(
    operator: PlanWithApprovalOperator,
    context: Any,
    asked: list[dict[str, Any]],
    notifier: Notifier,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The task waits as long as the policy says, and Slack is notified."""
    planned(monkeypatch, Planned([1, 2], "прогноз", QUESTION))
    hours = SimpleNamespace(money=SimpleNamespace(approval_timeout_hours=1.5))
    monkeypatch.setattr(policy, "load_run_policy", lambda: hours)
    with pytest.raises(TaskAwaitingInput) as parked:
        operator.execute(context)
    assert parked.value.timeout == timedelta(hours=1.5)
    ((question,), subjects) = (asked, notifier.subjects)
    assert (question["subject"], question["body"]) == (QUESTION.subject, QUESTION.body)
    assert (question["options"], question["defaults"]) == (["Approve", "Reject"], ["Reject"]), "silence spends nothing"
    assert subjects == [QUESTION.subject]


@pytest.mark.parametrize(
    ("option", "user", "says"),
    [
        ("Approve", {"id": "7", "name": "finance"}, (True, "finance")),
        ("Reject", {"id": "8", "name": "director"}, (False, "director")),
        ("Reject", None, (False, None)),
    ],
    ids=["approved", "refused", "no decision in time"],
)
def test_a_decision_is_handed_on_with_the_sum_that_was_asked_for(
    operator: PlanWithApprovalOperator, context: Any, option: str, user: Any, says: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    decisions: list[Any] = []

    def decided(_context: Any, _run_id: UUID, cost: Decimal, *, approved: bool, by: str | None, at: datetime) -> Any:
        decisions.append((cost, approved, by, at))
        return [3]

    monkeypatch.setattr(tasks, "decided", decided)
    context["ti"].xcoms["asked_cost"] = "94.50"
    event = {"chosen_options": [option], "params_input": {}, "responded_at": AT, "responded_by_user": user}
    assert operator.execute_complete(context, event) == [3]
    assert decisions == [(Decimal("94.50"), *says, AT)]
