"""The DAG of scores by itself: what its plan asks, what a decision returns, its clock when local time changes."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from airflow.sdk.exceptions import TaskAwaitingInput
from airflow.timetables.trigger import CronTriggerTimetable

from include.call_centre.domain.score_forecast import ScoreForecast
from include.call_centre.schedule import DAILY_CRON, ZONE
from include.call_centre.steps.plan import PlannedScores
from plugins.call_centre import tasks
from plugins.call_centre.operators.plan_scores import PlanScoresOperator
from plugins.hooks import call_centre_policy

RUN = UUID("0b0e7a3e-3f5c-4a53-9a0c-6d6a3c1c7b11")
FORECAST = ScoreForecast(9000, Decimal("94.20"), {})


@pytest.fixture
def operator() -> PlanScoresOperator:
    return PlanScoresOperator(task_id="plan", run_id=RUN)


@pytest.fixture
def context(operator: PlanScoresOperator) -> dict[str, Any]:
    ti = SimpleNamespace(id="ti-1")
    return {"task": operator, "task_instance": ti, "ti": ti}


def test_within_the_budget_nobody_is_asked(
    operator: PlanScoresOperator, context: Any, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = PlannedScores([1, 2], FORECAST, None, Decimal(50))
    monkeypatch.setattr(tasks, "plan", lambda _context, _run_id: found)
    assert operator.execute(context) == [1, 2]
    assert asked == []


def test_silence_spends_nothing(
    operator: PlanScoresOperator, context: Any, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question waits as long as the policy says, and its default is Reject."""
    found = PlannedScores([1, 2], FORECAST, Decimal("94.50"), Decimal(50))
    money = SimpleNamespace(approval_hours=1.5, budget_usd=Decimal(30))
    monkeypatch.setattr(tasks, "plan", lambda _context, _run_id: found)
    monkeypatch.setattr(call_centre_policy, "load_run_call_centre_policy", lambda: SimpleNamespace(money=money))
    with pytest.raises(TaskAwaitingInput) as parked:
        operator.execute(context)
    assert parked.value.timeout == timedelta(hours=1.5)
    (question,) = asked
    assert (question["options"], question["defaults"]) == (["Approve", "Reject"], ["Reject"])
    assert "94,50" in question["body"]


@pytest.mark.parametrize(
    ("option", "user", "approved", "by"),
    [
        ("Approve", {"id": "7", "name": "finance"}, True, "finance"),
        ("Reject", {"id": "8", "name": "director"}, False, "director"),
        ("Reject", None, False, None),
    ],
    ids=["approved", "refused", "no decision in time"],
)
def test_a_decision_is_handed_on(
    operator: PlanScoresOperator,
    context: Any,
    option: str,
    user: Any,
    approved: bool,
    by: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def decided(_context: Any, run_id: UUID, **decision: Any) -> list[Any]:
        return [run_id, decision]

    monkeypatch.setattr(tasks, "decided", decided)
    at = datetime(2026, 11, 30, tzinfo=UTC)
    event = {"chosen_options": [option], "params_input": {}, "responded_at": at, "responded_by_user": user}
    assert operator.execute_complete(context, event) == [RUN, {"approved": approved, "by": by}]


def test_each_local_day_has_one_run_for_its_figures() -> None:
    """Also those on which the clock is changed."""
    zone = ZoneInfo(ZONE)
    timetable = CronTriggerTimetable(DAILY_CRON, timezone=ZONE)
    at, days = datetime(2026, 1, 1, tzinfo=zone), []
    while at < datetime(2027, 1, 1, tzinfo=zone):
        at = timetable._get_next(at).astimezone(zone)  # type: ignore[arg-type]
        days.append(at.date())
    assert days == [date(2026, 1, 1) + timedelta(days=number) for number in range(366)]
