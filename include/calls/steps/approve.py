"""A person's answer to a forecast above the budget (D26): asked once, written down once, with the person's name.

An approval raises what the run may spend in all to the sum that the question named; it is never taken back, so a
cleared or resumed run is asked again only where its sum grew. A refusal, or none in time, ends the run `cancelled`.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from include.calls.domain.stages import Stage
from include.calls.reporting.approval_question import Question
from include.calls.state.state import State


@dataclass(frozen=True, slots=True)
class Answer:
    """`by` is the Airflow user who answered, None where nobody did in time; `at` is UTC."""

    approved: bool
    by: str | None
    at: datetime


def ask(run_id: UUID, question: Question, state: State) -> None:
    """Leaves the question where people look for it while Airflow waits for the answer."""
    detail = {"asked": str(question.cost), "forecast": str(question.forecast), "budget": str(question.budget)}
    with state.transaction():
        state.note_run(run_id, {"phase": "жду согласования расхода", "asked_cost": str(question.cost)})
        state.event(run_id, stage=Stage.PLAN, event="approval_wanted", detail=detail)


def settle(run_id: UUID, cost: Decimal, answer: Answer, state: State) -> str:
    """Writes the answer down; `cost` (USD) is the sum that the question named. Returns the sentence for people."""
    sentence = _sentence(cost, answer)
    detail = {"by": answer.by, "asked": str(cost), "answered_at": answer.at.isoformat()}
    with state.transaction():
        state.note_run(run_id, {"asked_cost": None, "refused": None if answer.approved else sentence})
        if answer.approved:
            state.approve(run_id, cost, stage=Stage.PLAN, detail=detail)
        else:
            event = "refused" if answer.by else "approval_timed_out"
            state.event(run_id, stage=Stage.PLAN, event=event, detail=detail)
    return sentence


def forget_answer(run_id: UUID, state: State) -> None:
    """A run that is planned anew has no open question and no refusal; what was approved stays."""
    state.note_run(run_id, {"asked_cost": None, "refused": None})


def _sentence(cost: Decimal, answer: Answer) -> str:
    if answer.approved:
        return f"{answer.by} разрешил потратить до {cost:.2f} USD"
    who = (
        f"{answer.by} отказал в расходе до {cost:.2f} USD"
        if answer.by
        else f"расход до {cost:.2f} USD не согласован в срок"
    )
    return f"{who}: больше ничего не скачивается и не тратится"
