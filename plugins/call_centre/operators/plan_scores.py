"""The plan of a scoring, and a person's decision if it costs too much."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator

from include.call_centre.wording.quality import TASK_SUBJECT, question_body

if TYPE_CHECKING:
    from airflow.sdk import Context

_LONGEST_WAIT = timedelta(days=30)  # only until the policy is read: it says how long this run waits


class PlanScoresOperator(ApprovalOperator):
    """Returns the numbers of the batches; asks first above the budget of the run or of the day.

    Reject, or no decision in time, returns no batches, and `close` ends the run `cancelled`.
    """

    template_fields = (*ApprovalOperator.template_fields, "run_id")

    def __init__(self, *, run_id: Any, **kwargs: Any) -> None:
        super().__init__(subject=TASK_SUBJECT, defaults=self.REJECT, response_timeout=_LONGEST_WAIT, **kwargs)
        self.run_id = run_id

    def execute(self, context: "Context") -> list[int]:
        from plugins.call_centre import tasks
        from plugins.hooks.call_centre_policy import load_run_call_centre_policy

        planned = tasks.plan(context, self.run_id)
        if planned.question is None:
            return planned.batches
        money = load_run_call_centre_policy().money
        self.body = question_body(
            planned.forecast.texts, planned.forecast.usd, planned.question, money.budget_usd, planned.day_left
        )
        self.response_timeout = timedelta(hours=money.approval_hours)
        super().execute(context)  # parks the task by raising
        raise AssertionError("the task was not parked")

    def execute_complete(self, context: "Context", event: dict[str, Any]) -> list[int]:
        """Called by Airflow with the decision, or with the default if none came in time."""
        from plugins.call_centre import tasks

        answer = HITLOperator.execute_complete(self, context, event)
        by = (answer["responded_by_user"] or {}).get("name")
        return tasks.decided(context, self.run_id, approved=answer["chosen_options"] == [self.APPROVE], by=by)
