"""From rows to what the pages show; and the other way for a place in a list."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from include.call_centre.domain.calibration_items import FilledRow
from include.call_centre.domain.scorecards import Scorecard
from include.call_centre.state.calibration_sets import JudgeFigures
from include.call_centre.state.quality_people import (
    Average,
    BlindItem,
    DisputeRow,
    ListedScore,
    QualityPeople,
    Scope,
    ScoreRow,
    VerdictRow,
    Wanted,
)
from include.call_centre.state.state import QualityState
from include.common.errors import BadInput
from plugins.web.call_centre.quality_models import (
    AnswerShown,
    AverageShown,
    BlindCall,
    BlindQuestion,
    JudgeShown,
    ScoreInList,
    ScoreList,
    ScoreShown,
    Summary,
)


def wanted(
    card: str | None,
    employee: str | None,
    status: str | None,
    call: int | None,
    after: str | None,
    *,
    dag_run: str | None,
    review: bool,
    disputed: bool,
) -> Wanted:
    before = _place_of(after) if after else None
    return Wanted(
        card, employee, status, review=review, disputed=disputed, recording=call, dag_run=dag_run, before=before
    )


def _place_of(after: str) -> tuple[datetime, UUID]:
    try:
        at, _, score_id = base64.urlsafe_b64decode(after).decode("ascii").partition(" ")
        return datetime.fromisoformat(at), UUID(score_id)
    except (ValueError, binascii.Error):
        raise BadInput("no place in this list", problem="browser_bad_cursor") from None


def score_list(rows: Sequence[ListedScore], most: int) -> ScoreList:
    last = rows[-1] if len(rows) == most else None
    place = (
        base64.urlsafe_b64encode(f"{last.started_at.isoformat()} {last.score_id}".encode()).decode() if last else None
    )
    return ScoreList(items=[in_list(row) for row in rows], next=place)


def in_list(row: ListedScore) -> ScoreInList:
    return ScoreInList(
        score_id=row.score_id,
        call=row.recording_id,
        card=row.card,
        version=row.card_version,
        status=row.status,
        score=row.score,
        judged_score=row.judged_score,
        coverage=row.coverage,
        passed=row.passed,
        calibrated=row.calibration == "pass",
        needs_review=row.needs_review,
        reasons=row.review_reasons,
        open_disputes=row.open_disputes,
        why_not=row.error_code,
        employee_id=row.employee_id,
        employee=row.employee_name,
        started_at=row.started_at,
        model=row.model,
    )


def score_shown(
    row: ScoreRow, state: QualityState, people: QualityPeople, scope: Scope, judges: Sequence[JudgeFigures]
) -> ScoreShown:
    card = state.runs.card(row.card_hash)
    listed = people.listed(Wanted(recording=row.recording_id, most=200), scope)
    own = next((one for one in listed if one.score_id == row.score_id), None)
    if own is None:
        raise BadInput("there is no such score", problem="no_such_score")  # another one took its place
    verdicts = {one.criterion: one for one in people.verdicts(row)}
    disputes = {one.criterion: one for one in people.disputes(row.score_id)}
    judge = (row.card_hash, row.prompt_version, row.provider, row.model)
    calibrated = next(
        (
            set(one.calibrated)
            for one in judges
            if (one.card_hash, one.prompt_version, one.provider, one.model) == judge
        ),
        set[str](),
    )
    shown = []
    for one in people.answers(row.score_id):
        criterion = card.criterion(one.criterion)
        assert criterion is not None
        said, disputed = verdicts.get(one.criterion), disputes.get(one.criterion)
        shown.append(
            AnswerShown(
                criterion=one.criterion,
                section=criterion.section,
                question=criterion.question,
                choices=list(criterion.choices),
                answer=one.answer,
                lost=one.lost,
                evidence=[each for each in one.evidence if each.get("check") == "found"],
                why=one.why,
                source=one.source,
                calibrated=one.source == "rule" or one.criterion in calibrated,
                by_people=None if said is None else _by_people(said),
                dispute=None if disputed is None else _dispute(disputed),
            )
        )
    return ScoreShown(score=in_list(own), title=card.title, pass_score=card.pass_score, answers=shown)


def _by_people(said: VerdictRow) -> dict[str, Any]:
    return {"answer": said.answer, "by": said.rater, "comment": said.comment, "at": said.at}


def _dispute(one: DisputeRow) -> dict[str, Any]:
    return {
        "id": one.dispute_id,
        "status": one.status,
        "by": one.opened_by,
        "reason": one.reason,
        "comment": one.comment,
    }


def summary(averages: Sequence[Average], judges: Sequence[JudgeFigures], *, days: int, least: int) -> Summary:
    return Summary(
        days=days,
        least=least,
        averages=[
            AverageShown(
                employee_id=one.employee_id,
                employee=one.employee_name,
                card=one.card,
                scores=one.scores,
                counted=one.counted,
                score=one.score if one.counted >= least else None,
                coverage=one.coverage if one.counted >= least else None,
                to_review=one.to_review,
                open_disputes=one.open_disputes,
            )
            for one in averages
        ],
        judges=[
            JudgeShown(
                card=one.card,
                provider=one.provider,
                model=one.model,
                prompt=one.prompt_version,
                items=one.items,
                status=one.status,
                at=one.at,
                calls=one.calls,
                criteria=one.figures,
            )
            for one in judges
        ],
    )


def blind_call(card: Scorecard, item: BlindItem) -> BlindCall:
    questions = [
        BlindQuestion(
            criterion=one.id,
            section=one.section,
            question=one.question,
            guidance=one.guidance,
            choices=list(one.choices),
            na=one.na,
        )
        for one in card.asked
    ]
    return BlindCall(card=card.card, item=item.item_no, text=item.body, questions=questions)


def blind_rows(card: Scorecard, item_no: int, answers: Mapping[str, str]) -> list[FilledRow]:
    rows = []
    for name, answer in answers.items():
        criterion = card.criterion(name)
        if criterion is None or criterion.rule is not None:
            raise BadInput(f"the card has no criterion {name}", problem="quality_criterion", criterion=name)
        if answer not in criterion.choices:
            raise BadInput(
                f"{name} has no answer {answer}", problem="quality_answer", known=", ".join(criterion.choices)
            )
        rows.append(FilledRow(item_no, name, answer, None, ""))
    return rows
