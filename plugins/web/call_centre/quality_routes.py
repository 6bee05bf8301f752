"""Scores for people: the list, one score beside its words, verdicts, disputes, blind answers for calibration.

The rights are those of the call browser: who reads calls reads their scores, who checks calls judges scores. Each
reading and each word of a person is in the audit log before the answer goes out. A score outside of a reader's scope is
not there.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query
from fastapi import Path as InPath

from include.call_centre.policy import CallCentrePolicy
from include.call_centre.state.calibration_sets import CalibrationSets
from include.call_centre.state.quality_people import QualityPeople
from include.call_centre.state.state import QualityState
from include.call_centre.steps import calibrate as calibration
from include.call_centre.steps import judge_score
from include.call_centre.steps.load_cards import newest_cards
from include.call_centre.wording.quality import sentence
from include.calls.domain.audit_chain import Action
from include.calls.state.audit import AuditLog
from include.common.errors import BadInput, ExportError, NotConfigured
from plugins.hooks.call_centre_policy import load_run_call_centre_policy
from plugins.hooks.call_centre_state import open_quality_state
from plugins.web.call_centre import quality_views as views
from plugins.web.call_centre.quality_models import (
    BlindAnswers,
    BlindCall,
    Decided,
    DisputeEnd,
    NewAnswer,
    NewDispute,
    Opened,
    ScoreList,
    ScoreShown,
    Summary,
    Taken,
)
from plugins.web.calls.browser_api.reader import MayCheck, MayRead, Reader
from plugins.web.calls.browser_api.refusals import Refused, refusals
from plugins.web.calls.browser_api.threads import in_thread, sessions

Answer = TypeVar("Answer")
router = APIRouter(prefix="/quality")
ScoreId = Annotated[UUID, InPath()]
DisputeId = Annotated[int, InPath(ge=1, le=2**63 - 1)]
Card = Annotated[str, InPath(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
ItemNo = Annotated[int, InPath(ge=1, le=1_000_000)]
_NOT_THERE = {"no_such_score", "no_such_dispute", "sheet_item"}
_TOO_LATE = {"dispute_again", "dispute_decided", "dispute_late", "dispute_own"}


@router.get("/calls")
async def calls(
    reader: MayRead,
    *,
    card: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9_]{0,39}$")] = None,
    employee: Annotated[str | None, Query(max_length=64)] = None,
    status: Annotated[str | None, Query(pattern="^(scored|unscorable)$")] = None,
    call: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    dag_run: Annotated[str | None, Query(max_length=250)] = None,
    review: bool = False,
    disputed: bool = False,
    after: Annotated[str | None, Query(max_length=100)] = None,
) -> ScoreList:
    """Scores, the newest call first."""

    def work(state: QualityState, _: CallCentrePolicy) -> ScoreList:
        wanted = views.wanted(card, employee, status, call, after, dag_run=dag_run, review=review, disputed=disputed)
        people = QualityPeople(state.session)
        return views.score_list(people.listed(wanted, people.scope(reader.user_id)), wanted.most)

    detail = {"card": card or "", "review": review, "disputed": disputed, "recording_id": call or 0}
    return await _served(reader, work, Action.SCORES_LISTED, detail)


@router.get("/summary")
async def summary(reader: MayRead, days: Annotated[int, Query(ge=1, le=400)] = 30) -> Summary:
    """Averages that are fair to compare, and how often each judge agrees with people."""

    def work(state: QualityState, policy: CallCentrePolicy) -> Summary:
        now = datetime.now(UTC)
        people = QualityPeople(state.session)
        found = people.averages(now - timedelta(days=days), now, people.scope(reader.user_id))
        judges = CalibrationSets(state.session).judges()
        return views.summary(found, judges, days=days, least=policy.people.least_scores)

    return await _served(reader, work, Action.SCORES_LISTED, {"days": days})


@router.get("/scores/{score_id}")
async def score(score_id: ScoreId, reader: MayRead) -> ScoreShown:
    """One score with every answer, its words and what people said."""

    def work(state: QualityState, _: CallCentrePolicy) -> ScoreShown:
        people = QualityPeople(state.session)
        scope = people.scope(reader.user_id)
        row = people.score(score_id, scope)
        if row is None:
            raise BadInput("there is no such score", problem="no_such_score")
        return views.score_shown(row, state, people, scope, CalibrationSets(state.session).judges())

    return await _served(reader, work, Action.SCORE_READ, {"score": str(score_id)})


@router.post("/scores/{score_id}/verdicts", status_code=201)
async def verdict(score_id: ScoreId, asked: NewAnswer, reader: MayCheck) -> Decided:
    """A person's answer; it takes the judge's place in every figure, and the judge's stays visible."""

    def work(state: QualityState, _: CallCentrePolicy) -> Decided:
        judge_score.give_verdict(
            score_id,
            asked.criterion,
            asked.answer,
            t=asked.t,
            comment=asked.comment,
            by=_person(reader, state),
            state=state,
        )
        return Decided(score_id=score_id)

    return await _served(reader, work, Action.SCORE_JUDGED, {"score": str(score_id), "criterion": asked.criterion})


@router.post("/scores/{score_id}/disputes", status_code=201)
async def dispute(score_id: ScoreId, asked: NewDispute, reader: MayRead) -> Opened:
    """Opened by the employee or the supervisor, once for each criterion. An open one keeps the score out of figures."""

    def work(state: QualityState, policy: CallCentrePolicy) -> Opened:
        by = _person(reader, state)
        found = judge_score.open_dispute(score_id, asked.criterion, asked.reason, by=by, state=state, policy=policy)
        return Opened(dispute=found)

    return await _served(reader, work, Action.SCORE_DISPUTED, {"score": str(score_id), "criterion": asked.criterion})


@router.post("/disputes/{dispute_id}")
async def decide(dispute_id: DisputeId, asked: DisputeEnd, reader: MayCheck) -> Decided:
    """Another person than the one who opened it upholds the answer or changes it."""

    def work(state: QualityState, _: CallCentrePolicy) -> Decided:
        by = _person(reader, state)
        found = judge_score.resolve_dispute(dispute_id, answer=asked.answer, comment=asked.comment, by=by, state=state)
        return Decided(score_id=found)

    return await _served(reader, work, Action.DISPUTE_DECIDED, {"dispute": dispute_id})


@router.get("/calibration/{card}")
async def blind_call(card: Card, reader: MayCheck) -> BlindCall:
    """The next text of the set that this person has not judged; 404 if there is none."""

    def work(state: QualityState, _: CallCentrePolicy) -> BlindCall:
        (found,) = newest_cards([card])
        item = QualityPeople(state.session).next_item(
            found.card, found.hash, rater=reader.actor, criteria=len(found.asked)
        )
        if item is None:
            raise BadInput("the set has nothing left for you", problem="sheet_item", item="-")
        return views.blind_call(found, item)

    return await _served(reader, work, Action.SCORE_READ, {"card": card})


@router.post("/calibration/{card}/{item_no}", status_code=201)
async def blind_answers(card: Card, item_no: ItemNo, asked: BlindAnswers, reader: MayCheck) -> Taken:
    """Blind answers to one text of the set: all of them or none."""

    def work(state: QualityState, _: CallCentrePolicy) -> Taken:
        (found,) = newest_cards([card])
        rows = views.blind_rows(found, item_no, asked.answers)
        return Taken(taken=calibration.take_verdicts(found, rows, state, rater=reader.actor))

    return await _served(reader, work, Action.SCORE_JUDGED, {"card": card, "item": item_no})


def _person(reader: Reader, state: QualityState) -> judge_score.Person:
    return judge_score.Person(reader.actor, QualityPeople(state.session).scope(reader.user_id))


async def _served(
    reader: Reader,
    work: Callable[[QualityState, CallCentrePolicy], Answer],
    action: Action,
    detail: Mapping[str, object],
) -> Answer:
    """What cannot be noted is not shown and not done."""

    def noted() -> Answer:
        with sessions.one() as session:
            try:
                noted_detail = {**detail, "user": reader.user_id, "request": reader.request_id}
                AuditLog(session).record(action, actor=reader.actor, detail=noted_detail)
            except ExportError:
                raise Refused(503, "not_noted") from None
        with refusals(), open_quality_state() as state:
            try:
                return work(state, load_run_call_centre_policy())
            except (BadInput, NotConfigured) as error:
                raise _refusal(error) from None

    try:
        return await in_thread(noted)
    except Refused as refused:
        raise refused.answer(reader.language) from None


def _refusal(error: ExportError) -> HTTPException:
    status = 404 if error.problem in _NOT_THERE else 409 if error.problem in _TOO_LATE else 422
    return HTTPException(status, sentence(error))
