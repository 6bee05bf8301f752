"""Scores of one batch: one request for each text and card, stored with its evidence the moment it comes."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg import Connection

from include.call_centre.domain.rule_answers import rule_answer
from include.call_centre.domain.scorable import Unscorable, applies, unscorable
from include.call_centre.domain.score_question import orders_in, read_answers
from include.call_centre.domain.scorecards import Scorecard
from include.call_centre.domain.scores import MOST_LOST_EVIDENCE, Score, ScoreStatus, better, score
from include.call_centre.domain.spoken_call import SpokenCall
from include.call_centre.names import SCORING_TASK
from include.call_centre.policy import CallCentrePolicy
from include.call_centre.state.quality_runs import Work
from include.call_centre.state.quality_scores import Judge
from include.call_centre.state.quality_texts import CallText
from include.call_centre.state.state import QualityState
from include.call_centre.steps.score_prompt import PROMPT_VERSION, characters_of, question
from include.clients.language_models.question import Question, Reply
from include.clients.language_models.router import NoAnswer, Router
from include.clients.language_models.routing_state import RoutingState
from include.common.errors import BudgetSpent, ErrorCode, ExportError, Permanent, StopRun, Temporary, Throttled

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 4
MOST_REJECTED = 20  # in a row: then the request itself is wrong for every call
CLAIM_WAIT = 30.0  # seconds
_ENDS_WITHOUT_A_NUMBER = {"too_long": Unscorable.TOO_LONG, "refused": Unscorable.REFUSED}


class TextsWaiting(Temporary):
    """Some texts of the batch failed for a reason that may pass; `attempt` is the step of the ladder."""

    def __init__(self, message: str, *, attempt: int, retry_after: float | None = None) -> None:
        super().__init__(message, code=ErrorCode.LLM_UNAVAILABLE, retry_after=retry_after)
        self.attempt = attempt


@dataclass(frozen=True, slots=True)
class Scoring:
    """What a batch needs. `mask` hides personal data; what it is given is what leaves the machine."""

    run_id: UUID
    state: QualityState
    routing: RoutingState
    router: Router
    policy: CallCentrePolicy
    mask: Callable[[str], str]
    anew_by: str | None = None  # the provider whose score is wanted although there is one


@dataclass(slots=True)
class _Pass:
    done: int = 0
    waiting: int = 0
    failed: int = 0
    claimed: int = 0
    rejected_in_a_row: int = 0
    attempt: int = 0
    throttled: Throttled | None = None


@dataclass(slots=True)
class _Bought:
    """What one question has brought so far; filled by `settle`, in the transaction of the payment."""

    score: Score | None = None
    provider: str = ""
    outside: bool = False  # a response that does not follow the card
    kept: list[UUID] = field(default_factory=list)


def score_batch(batch_no: int, work: Scoring, *, fresh: bool) -> int:
    """How many texts of the batch this pass scored. `fresh`: a person may have cleared the task.

    Raises Throttled or TextsWaiting if something is left, Permanent if a text ended in error, StopRun.
    """
    runs = work.state.runs
    if fresh:
        runs.again(work.run_id, batch_no)
    cards: dict[str, Scorecard] = {}
    found = _Pass()
    for each in runs.batch(work.run_id, batch_no):
        if each.card_hash not in cards:
            cards[each.card_hash] = runs.card(each.card_hash)
        refuse_if_spent(work)
        with runs.claim(each, f"{work.run_id}/{batch_no}") as ours:
            if not ours:
                found.claimed += 1
                continue
            _score_claimed(each, cards[each.card_hash], work, found)
        if found.throttled is not None:
            raise found.throttled
    _raise_if_unfinished(found)
    return found.done


def refuse_if_spent(work: Scoring) -> None:
    """Asked before each request. The sum is that of all tasks of the run, so each is over it by one request at most."""
    run = work.state.runs.get(work.run_id)
    if run.status != "running":
        raise StopRun(f"the run is {run.status}", problem="quality_run_ended", status=run.status)
    spent, ceiling = work.state.runs.spent(work.run_id), work.policy.money.budget.ceiling(run.approved_cost)
    if spent >= ceiling:
        raise BudgetSpent(
            f"the budget is spent: {spent:.4f} of {ceiling:.2f} USD; what was bought is kept, the next run forecasts "
            "what is left and asks a person",
            problem="quality_budget_spent",
            spent=spent,
            ceiling=ceiling,
        )


def _score_claimed(each: Work, card: Scorecard, work: Scoring, found: _Pass) -> None:
    runs = work.state.runs
    try:
        if _score(each, card, work):
            found.done += 1
        runs.done(work.run_id, each)
        found.rejected_in_a_row = 0
    except Throttled as error:
        found.throttled = error
    except StopRun:
        raise
    except NoAnswer as error:
        found.rejected_in_a_row = found.rejected_in_a_row + 1 if error.why == "rejected" else 0
        runs.failed(work.run_id, each, str(error))
        found.failed += 1
        if found.rejected_in_a_row >= MOST_REJECTED:
            raise StopRun(f"{MOST_REJECTED} requests in a row were rejected: {error}", problem="llm_rejects") from None
    except Temporary as error:
        _failed_for_now(each, error, work, found)
    except ExportError as error:
        runs.failed(work.run_id, each, str(error))
        found.failed += 1


def _failed_for_now(each: Work, error: Temporary, work: Scoring, found: _Pass) -> None:
    found.attempt = max(found.attempt, each.attempts + 1)
    if each.attempts + 1 >= MAX_ATTEMPTS:
        work.state.runs.failed(work.run_id, each, str(error))
        found.failed += 1
    else:
        work.state.runs.try_again(work.run_id, each, str(error))
        found.waiting += 1


def _raise_if_unfinished(found: _Pass) -> None:
    if found.waiting:
        raise TextsWaiting(f"{found.waiting} texts will be tried again", attempt=found.attempt)
    if found.claimed:
        raise TextsWaiting(f"{found.claimed} texts are scored by another task", attempt=1, retry_after=CLAIM_WAIT)
    if found.failed:
        raise Permanent(
            f"{found.failed} texts ended in error; clear the task to try them again",
            code=ErrorCode.LLM_NO_ANSWER,
            problem="scores_in_error",
            count=found.failed,
        )


def _score(each: Work, card: Scorecard, work: Scoring) -> bool:
    """True if this call brought a score. Under the claim, so what is there now was not there when it was planned."""
    current = work.state.scores.current(each.checksum, each.card_hash)
    if current is not None and (work.anew_by is None or current.provider == work.anew_by):
        return False
    text = work.state.texts.text(each.recording_id, each.checksum)
    if text is None or not applies(card, text.facts):
        return False  # its words have ended since: nothing is bought, and nothing is said
    reason = unscorable(card, text.facts, text.call)
    if reason is not None:
        return _keep_unscorable(text, card, work, reason)
    body = work.mask(text.body)
    asked, call = question(card, each.checksum, body), SpokenCall.of(body, text.seconds)
    try:
        first = _ask(asked, text, card, call, work, _Bought())
    except NoAnswer as error:
        if error.why in _ENDS_WITHOUT_A_NUMBER:
            return _keep_unscorable(text, card, work, _ENDS_WITHOUT_A_NUMBER[error.why])
        raise
    lost = first.score.lost_evidence if first.score else MOST_LOST_EVIDENCE
    second = _ask_another(asked, text, card, call, work, first) if lost >= MOST_LOST_EVIDENCE else None
    if first.score is None and (second is None or second.score is None):
        raise NoAnswer("no answer follows the card", why="bad_answer")
    return True


def _ask_another(
    asked: Question, text: CallText, card: Scorecard, call: SpokenCall, work: Scoring, first: _Bought
) -> _Bought | None:
    """One other provider, once; what the first one said stands if there is none that can be asked now."""
    out = {each.provider for each in work.router.skipped(SCORING_TASK, asked.input_tokens)} | {first.provider}
    if work.anew_by or all(name in out for name, _ in work.router.providers(SCORING_TASK)):
        return None
    try:
        return _ask(asked, text, card, call, work, first)
    except BudgetSpent:
        raise
    except (Temporary, NoAnswer, StopRun) as error:
        log.warning("no second judge could be asked: %s", error)
        return None


def _ask(asked: Question, text: CallText, card: Scorecard, call: SpokenCall, work: Scoring, before: _Bought) -> _Bought:
    bought = _Bought()

    def settle(reply: Reply) -> None:
        """The payment, the score and its answers are one transaction: a task that dies loses at most its request."""
        with work.routing.session.transaction() as connection:
            work.state.texts.charge(
                connection,
                text.recording_id,
                model=reply.model,
                tokens=reply.input_tokens + reply.output_tokens,
                usd=reply.cost,
                counted=reply.counted,
            )
            bought.provider = reply.provider
            if reply.content is not None:
                _keep(connection, reply, asked, text, card, call, work, bought, before)

    work.router.ask(asked, settle, but_not=before.provider or None)
    return bought


def _keep(
    connection: Connection[Any],
    reply: Reply,
    asked: Question,
    text: CallText,
    card: Scorecard,
    call: SpokenCall,
    work: Scoring,
    bought: _Bought,
    before: _Bought,
) -> None:
    assert reply.content is not None
    try:
        answers = read_answers(reply.content, card, call)
    except Permanent as error:
        log.warning("the response of %s was paid for and is not kept: %s", reply.provider, error)
        bought.outside = True
        return
    rules = [rule_answer(one, call) for one in card.criteria if one.rule is not None]
    bought.score = score(card, [*answers, *rules], injected=orders_in(text.body))
    judge = Judge(
        PROMPT_VERSION,
        reply.provider,
        reply.asked_model,
        characters_of(asked),
        reply.input_tokens,
        reply.output_tokens,
        reply.cost,
    )
    kept = work.state.scores.keep(
        connection,
        work.run_id,
        text,
        card,
        judge,
        bought.score,
        why_not=Unscorable.LOW_COVERAGE if bought.score.status is ScoreStatus.UNSCORABLE else None,
        review=reasons_for_people(bought.score, work.policy.quality.review_below),
        takes_over=before.score is None or better(before.score, bought.score),
    )
    if kept is not None:
        bought.kept.append(kept)


def reasons_for_people(found: Score, review_below: float) -> Sequence[str]:
    """Why a person should look; a low score is a reason, too."""
    low = found.sum.value is not None and float(found.sum.value) < 100 * review_below
    return [*map(str, found.doubts), *(["low_score"] if low else [])]


def _keep_unscorable(text: CallText, card: Scorecard, work: Scoring, reason: Unscorable) -> bool:
    with work.state.transaction() as connection:
        kept = work.state.scores.keep(
            connection, work.run_id, text, card, Judge(PROMPT_VERSION), None, why_not=reason.value
        )
    return kept is not None
