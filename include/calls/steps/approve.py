"""A person's decision on a forecast above the budget: asked once, recorded once, with the person's name.

An approval raises what the run may spend in all to the sum that the question named. It is never taken back, so a
cleared or resumed run is asked again only if its sum has grown. A refusal, or no decision in time, ends the run
`cancelled`.
"""

from decimal import Decimal
from uuid import UUID

from include.calls.domain.audit_chain import Action
from include.calls.domain.stages import Stage
from include.calls.reporting.approval_question import Question
from include.calls.state.audit import AuditLog
from include.calls.state.state import State
from include.calls.wording import approval, notes
from include.common.budget import Decision


def ask(run_id: UUID, question: Question, state: State) -> None:
    """Leaves the question where people look for it while Airflow waits for the decision."""
    detail = {"asked": str(question.cost), "forecast": str(question.forecast), "budget": str(question.budget)}
    with state.transaction():
        state.runs.note(run_id, {"phase": notes.WAITING_FOR_DECISION, "asked_cost": str(question.cost)})
        state.events.add(run_id, stage=Stage.PLAN, event="approval_wanted", detail=detail)


def record_decision(run_id: UUID, cost: Decimal, decision: Decision, state: State) -> str:
    """Records the decision; `cost` (USD) is the sum that the question named. Returns the operator's sentence."""
    sentence = approval.decision(decision, cost)
    detail = {"by": decision.by, "asked": str(cost), "answered_at": decision.at.isoformat()}
    with state.transaction():
        state.runs.note(run_id, {"asked_cost": None, "refused": None if decision.approved else sentence})
        if decision.approved:
            state.runs.approve(run_id, cost, stage=Stage.PLAN, detail=detail)
        else:
            event = "refused" if decision.by else "approval_timed_out"
            state.events.add(run_id, stage=Stage.PLAN, event=event, detail=detail)
        AuditLog(state.session).record(
            Action.BUDGET_APPROVED if decision.approved else Action.BUDGET_REFUSED,
            actor=decision.by or "no decision in time",
            run_id=run_id,
            detail={"asked_usd": str(cost), "answered_at": decision.at.isoformat()},
        )
    return sentence


def forget_decision(run_id: UUID, state: State) -> None:
    """A run that is planned anew has no open question and no refusal; an approval stays."""
    state.runs.note(run_id, {"asked_cost": None, "refused": None})
