"""The plan, and a person's decision if it costs too much."""

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator

from include.calls.wording.approval import TASK_SUBJECT

if TYPE_CHECKING:
    from airflow.sdk import Context

ASKED_COST = "asked_cost"  # the XCom that carries the question's sum to the decision
LONGEST_WAIT = timedelta(days=30)  # only until the policy is read: it says how long this run waits


class PlanWithApprovalOperator(ApprovalOperator):
    """Plans the run and returns the numbers of its batches; asks first if the forecast is above the budget.

    One task and not two: under the budget nothing is added to the run, no task, no slot, no second. While it waits, the
    task is `awaiting_input` and holds no worker and no slot; the triggerer is not used.

    Approve returns the batches, as if no question had been asked. Reject, or no decision in time, returns no batches,
    and `close_run` ends the run `cancelled`. The parent class's Reject would skip registry and report as well.

    A decision within about a second after the question, which only a program can make, may be lost to a race in Airflow
    3.3.2 (apache/airflow#66374): the task is then retried and asks again. Nothing is spent meanwhile.
    """

    template_fields = (*ApprovalOperator.template_fields, "run_id")

    def __init__(self, *, run_id: Any, **kwargs: Any) -> None:
        super().__init__(
            subject=TASK_SUBJECT,
            defaults=self.REJECT,
            response_timeout=LONGEST_WAIT,
            **kwargs,
        )
        self.run_id = run_id

    def execute(self, context: "Context") -> list[int]:
        from plugins.calls import tasks
        from plugins.calls.slack_messages import ApprovalWanted
        from plugins.hooks.calls_policy import load_run_policy

        planned = tasks.plan(context, self.run_id)
        if planned.question is None:
            return planned.batches
        self.subject, self.body = planned.question.subject, planned.question.body
        self.response_timeout = timedelta(hours=load_run_policy().money.approval_timeout_hours)
        self.notifiers = [ApprovalWanted()]
        context["ti"].xcom_push(ASKED_COST, str(planned.question.cost))
        super().execute(context)  # parks the task by raising
        raise AssertionError("the task was not parked")

    def execute_complete(self, context: "Context", event: dict[str, Any]) -> list[int]:
        """Called by Airflow with the decision, or with the default if none came in time."""
        from plugins.calls import tasks

        answer = HITLOperator.execute_complete(self, context, event)
        cost = context["ti"].xcom_pull(task_ids=self.task_id, key=ASKED_COST)
        return tasks.decided(
            context,
            self.run_id,
            Decimal(cost),
            approved=answer["chosen_options"] == [self.APPROVE],
            by=(answer["responded_by_user"] or {}).get("name"),
            at=answer["responded_at"],
        )
