"""A person's word on a score: a verdict, a dispute, its end. Figures follow in the same transaction."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from include.call_centre.domain.scorecards import Scorecard
from include.call_centre.domain.scores import Sum, summed
from include.call_centre.policy import CallCentrePolicy
from include.call_centre.state.quality_people import QualityPeople, Scope, ScoreRow
from include.call_centre.state.state import QualityState
from include.common.errors import BadInput


@dataclass(frozen=True, slots=True)
class Person:
    actor: str
    scope: Scope


def give_verdict(
    score_id: UUID, criterion: str, answer: str, *, t: float | None, comment: str, by: Person, state: QualityState
) -> None:
    """Raises BadInput for a score that the person may not see, or an answer that the card does not have."""
    people = QualityPeople(state.session)
    row, card = _seen(score_id, by, people, state)
    _refuse_unknown(card, criterion, answer)
    with state.transaction():
        people.lock(score_id)
        people.add_verdict(row, card.card, criterion, answer, rater=by.actor, kind="review", t=t, comment=comment)
        _renew(row, card, people, reviewed=True)
        people.add_event(score_id, "judged", actor=by.actor, detail={"criterion": criterion, "answer": answer})


def open_dispute(
    score_id: UUID, criterion: str, reason: str, *, by: Person, state: QualityState, policy: CallCentrePolicy
) -> int:
    """Once for each criterion. While it is open the score has no part in averages."""
    people = QualityPeople(state.session)
    row, card = _seen(score_id, by, people, state)
    if card.criterion(criterion) is None:
        raise BadInput(f"the card has no criterion {criterion}", problem="quality_criterion", criterion=criterion)
    if row.created_at < datetime.now(UTC) - timedelta(days=policy.quality.disputes_days):
        raise BadInput(
            f"a score can be disputed for {policy.quality.disputes_days} days",
            problem="dispute_late",
            days=policy.quality.disputes_days,
        )
    with state.transaction():
        people.lock(score_id)
        found = people.open_dispute(score_id, criterion, opened_by=by.actor, reason=reason)
        if found is None:
            raise BadInput("the criterion was disputed already", problem="dispute_again")
        _renew(row, card, people, reviewed=False)
        people.add_event(score_id, "disputed", actor=by.actor, detail={"criterion": criterion})
    return found


def resolve_dispute(dispute_id: int, *, answer: str | None, comment: str, by: Person, state: QualityState) -> UUID:
    """`answer` takes the place of the judge's; None upholds it. The one who opened a dispute does not decide on it."""
    people = QualityPeople(state.session)
    with state.transaction():
        found = people.dispute(dispute_id)
        if found is None:
            raise BadInput("there is no such dispute", problem="no_such_dispute")
        row, card = _seen(found.score_id, by, people, state)
        if found.opened_by == by.actor:
            raise BadInput("the one who opened a dispute does not decide on it", problem="dispute_own")
        people.lock(found.score_id)
        if not people.resolve_dispute(dispute_id, "changed" if answer else "upheld", by=by.actor, comment=comment):
            raise BadInput("the dispute is decided already", problem="dispute_decided")
        if answer:
            _refuse_unknown(card, found.criterion, answer)
            people.add_verdict(
                row, card.card, found.criterion, answer, rater=by.actor, kind="dispute", t=None, comment=comment
            )
        _renew(row, card, people, reviewed=True)
        detail = {"criterion": found.criterion, "answer": answer or ""}
        people.add_event(found.score_id, "dispute_decided", actor=by.actor, detail=detail)
    return found.score_id


def _seen(score_id: UUID, by: Person, people: QualityPeople, state: QualityState) -> tuple[ScoreRow, Scorecard]:
    row = people.score(score_id, by.scope)
    if row is None:
        raise BadInput("there is no such score", problem="no_such_score")
    return row, state.runs.card(row.card_hash)


def _refuse_unknown(card: Scorecard, criterion: str, answer: str) -> None:
    found = card.criterion(criterion)
    if found is None:
        raise BadInput(f"the card has no criterion {criterion}", problem="quality_criterion", criterion=criterion)
    if answer not in found.choices:
        raise BadInput(f"{criterion} has no answer {answer}", problem="quality_answer", known=", ".join(found.choices))


def _renew(row: ScoreRow, card: Scorecard, people: QualityPeople, *, reviewed: bool) -> None:
    """The sum anew, with what people say in its place. An answer that fails the call does so once a person gave it."""
    said = {one.criterion: one.answer for one in people.verdicts(row)}
    answers = {one.criterion: one.answer for one in people.answers(row.score_id)} | said
    total = summed(card, answers)
    failing = any(said.get(one.id) in one.auto_fail for one in card.criteria if one.auto_fail)
    if failing and total.value is not None:
        total = Sum(Decimal(0), total.coverage, passed=False)
    people.set_final(row.score_id, total, reviewed=reviewed)
