"""Which texts have no score yet, what they will cost, in which batches they are scored. Work comes from rows."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from include.call_centre.domain.drawing import Candidate, drawn
from include.call_centre.domain.scorable import applies, unscorable
from include.call_centre.domain.score_forecast import ScoreForecast, tokens
from include.call_centre.domain.score_question import answer_schema
from include.call_centre.domain.scorecards import Scorecard
from include.call_centre.names import SCORING_TASK
from include.call_centre.policy import CallCentrePolicy, ScoreBatchPolicy
from include.call_centre.state.quality_runs import QualityRun, Work
from include.call_centre.state.state import QualityState
from include.call_centre.steps.open_run import cards_of, period_of
from include.call_centre.steps.score_prompt import instructions
from include.clients.language_models.router import Router
from include.clients.language_models.routing_state import RoutingState
from include.clients.language_models.routing_table import Provider
from include.common.budget import PlannedSpending, Spending
from include.common.errors import BadInput

Price = Callable[[Provider, str, int, int], Decimal]
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class PlannedScores:
    """`batches` may start at once unless there is a `question`: the sum that a person is asked about, USD."""

    batches: list[int]
    forecast: ScoreForecast
    question: Decimal | None
    day_left: Decimal


@dataclass(frozen=True, slots=True)
class _Wanted:
    work: Work
    candidate: Candidate
    card: Scorecard
    characters: int
    reason: str | None


def plan(
    run_id: UUID,
    state: QualityState,
    routing: RoutingState,
    router: Router,
    policy: CallCentrePolicy,
    *,
    price: Price,
    daily_usd: Decimal,
) -> PlannedScores:
    """Safe to run twice: what has a batch keeps it, an approval stands, an open question is asked again."""
    run = state.runs.get(run_id)
    wanted = _wanted(run, state, policy)
    forecast = _forecast(wanted, state, router, price)
    if not run.asked.get("dry_run"):
        _assign(run_id, wanted, state, policy.batches)
    day = routing.day()
    ceiling = daily_usd if day.allowed is None else max(daily_usd, day.allowed)
    left = max(Decimal(0), ceiling - day.spent)
    spending = PlannedSpending(
        forecast.usd, Spending(state.runs.spent(run_id), Decimal(0), run.approved_cost), policy.money.budget
    )
    asks = forecast.usd > 0 and (spending.needs_approval or (forecast.usd > left and run.approved_cost is None))
    question = None if run.asked.get("dry_run") or not asks else _sum_to_ask(spending)
    state.runs.set_forecast(run_id, forecast.usd, question=question)
    detail = {"texts": forecast.texts, "usd": str(forecast.usd), "unscorable": forecast.unscorable}
    state.runs.add_event("plan", "planned", run_id=run_id, detail=detail)
    batches = [] if run.asked.get("dry_run") else state.runs.batches(run_id)
    return PlannedScores(batches, forecast, question, left)


def decided(run_id: UUID, state: QualityState, routing: RoutingState, *, approved: bool, by: str | None) -> list[int]:
    """A person's answer, or none in time; returns the batches that may start. An approval allows its sum today, too."""
    run = state.runs.get(run_id)
    event = "approved" if approved else "refused" if by else "unanswered"
    state.runs.add_event("plan", event, run_id=run_id, actor=by or "", detail={"usd": str(run.asked_cost)})
    if not approved:
        return []
    state.runs.approve(run_id)
    assert run.asked_cost is not None
    routing.allow_day(routing.day().spent + run.asked_cost, by or "-")
    return state.runs.batches(run_id)


def _sum_to_ask(spending: PlannedSpending) -> Decimal:
    return max(spending.sum_to_approve, spending.total.quantize(_CENT, rounding=ROUND_CEILING))


def _wanted(run: QualityRun, state: QualityState, policy: CallCentrePolicy) -> list[_Wanted]:
    since, until = period_of(run)
    asked: dict[str, Any] = run.asked
    anew = asked.get("provider") or None
    if asked.get("rescore") and not anew:
        raise BadInput("rescore needs a provider: whose score is wanted", problem="rescore_without_provider")
    found: list[_Wanted] = []
    for card in cards_of(asked, policy):
        sent = len(instructions(card)) + len(str(answer_schema(card)))
        texts = state.texts.unscored(
            card.hash,
            since=since,
            until=until,
            calls=asked.get("call_ids") or (),
            anew_by=anew if asked.get("rescore") else None,
        )
        own: dict[str, _Wanted] = {}  # two calls with the same words are one text
        for text in texts:
            if applies(card, text.facts):
                reason = unscorable(card, text.facts, text.call)
                work = Work(text.checksum, card.hash, text.recording_id)
                own.setdefault(
                    text.checksum, _Wanted(work, text.candidate, card, sent + len(text.body), reason and reason.value)
                )
        share = 1.0 if asked.get("call_ids") else policy.quality.share
        kept = {one.checksum for one in drawn([one.candidate for one in own.values()], share)}
        found += [one for one in own.values() if one.work.checksum in kept]
    limit = int(asked.get("limit") or 0)
    return list(islice(found, limit)) if limit else found


def _forecast(wanted: list[_Wanted], state: QualityState, router: Router, price: Price) -> ScoreForecast:
    to_buy = [one for one in wanted if one.reason is None]
    reasons = Counter(one.reason for one in wanted if one.reason)
    if not to_buy:
        return ScoreForecast(0, Decimal(0), dict(reasons))
    out = {each.provider for each in router.skipped(SCORING_TASK)}
    route = router.providers(SCORING_TASK)
    _, provider = next((each for each in route if each[0] not in out), route[0])
    criteria = sum(len(one.card.asked) for one in to_buy) // len(to_buy)
    expected = tokens(len(to_buy), sum(one.characters for one in to_buy), criteria, state.scores.learnt(provider.model))
    return ScoreForecast(len(to_buy), price(provider, provider.model, expected.input, expected.output), dict(reasons))


def _assign(run_id: UUID, wanted: list[_Wanted], state: QualityState, limits: ScoreBatchPolicy) -> None:
    """The longest are dealt first, so that batches are alike."""
    if not wanted:
        return
    batches = max(1, min(limits.most, len(wanted) // limits.least_texts))
    first = state.runs.last_batch(run_id) + 1
    ordered = sorted(wanted, key=lambda one: (-one.characters, one.work.checksum))
    work = [(one.work, first + number % batches) for number, one in enumerate(ordered)]
    state.runs.add_work(run_id, work)
