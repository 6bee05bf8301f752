"""The question whether a person's calls are erased, for a second person."""

from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator

from include.calls.domain.erasure import LONGEST_WAIT
from include.calls.wording.erasure_form import TASK_SUBJECT

if TYPE_CHECKING:
    from airflow.sdk import Context


class ErasureApprovalOperator(ApprovalOperator):
    """Returns whether the erasing may begin. No answer in time is a refusal.

    Airflow 3.3 lets a question name who may answer it (`assigned_users`), and not who may not. So the answer of the
    person who started the DAG run is refused here: the task fails and its retry asks again.
    """

    template_fields = (*ApprovalOperator.template_fields, "erasure_id")

    def __init__(self, *, erasure_id: Any, **kwargs: Any) -> None:
        super().__init__(subject=TASK_SUBJECT, defaults=self.REJECT, response_timeout=LONGEST_WAIT, **kwargs)
        self.erasure_id = erasure_id

    def execute(self, context: "Context") -> None:
        from plugins.calls import erasure_tasks

        self.subject, self.body = erasure_tasks.question(context, self.erasure_id)
        super().execute(context)  # parks the task by raising
        raise AssertionError("the task was not parked")

    def execute_complete(self, context: "Context", event: dict[str, Any]) -> bool:
        """Called by Airflow with the answer, or with the default if none came in time."""
        from plugins.calls import erasure_tasks

        answer = HITLOperator.execute_complete(self, context, event)
        approved, by = erasure_tasks.answer_of(dict(answer), self.APPROVE)
        return erasure_tasks.decided(context, self.erasure_id, approved=approved, by=by, at=answer["responded_at"])
