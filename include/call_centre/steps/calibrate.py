"""The calibration of a card: texts for people, their verdicts, a judge's answers to the same texts, the figures."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.call_centre.domain.agreement import Judged, figures, mean_error, rank_correlation
from include.call_centre.domain.calibration_items import FilledRow, Item
from include.call_centre.domain.drawing import Candidate, place, sheet, split
from include.call_centre.domain.scorable import applies, unscorable
from include.call_centre.domain.score_question import read_answers
from include.call_centre.domain.scorecards import Scorecard
from include.call_centre.domain.scores import summed
from include.call_centre.domain.spoken_call import SpokenCall
from include.call_centre.names import SCORING_TASK
from include.call_centre.policy import CallCentrePolicy
from include.call_centre.state.calibration_sets import CalibrationSets, JudgeName, Repeated, Verdict
from include.call_centre.state.quality_texts import CallText
from include.call_centre.state.state import QualityState
from include.call_centre.steps.score_prompt import PROMPT_VERSION, question
from include.clients.language_models.question import Reply
from include.clients.language_models.router import NoAnswer, Router
from include.clients.language_models.routing_state import RoutingState
from include.common.errors import BadInput, Permanent

_LONG_SECONDS = 180


def fill_set(
    card: Scorecard,
    count: int,
    state: QualityState,
    policy: CallCentrePolicy,
    *,
    since: datetime,
    until: datetime,
    mask: Callable[[str], str],
) -> list[Item]:
    """Adds scorable texts until the set has `count`; by employee, direction, length and what judges said before."""
    sets = CalibrationSets(state.session)
    missing = count - len(sets.items(card.card))
    earlier = sets.earlier(card.hash)
    texts: dict[str, CallText] = {}
    for text in sets.may_be_added(card.card, since, until):
        if applies(card, text.facts) and unscorable(card, text.facts, text.call) is None:
            texts[text.checksum] = text
    candidates = [Candidate(one.checksum, one.call_id, _stratum(one, earlier)) for one in texts.values()]
    for one in sheet(candidates, max(0, missing)):
        text = texts[one.checksum]
        day = text.started_at.astimezone(policy.zone).date().isoformat()
        sets.add(
            card.card,
            text,
            mask(text.body),
            split=split(text.employee_id or "", day),
            second_rater=place(f"second/{one.checksum}") < policy.calibration.double_share,
            stratum="/".join(one.stratum),
        )
    return sets.items(card.card)


def _stratum(text: CallText, earlier: dict[str, str]) -> tuple[str, ...]:
    length = "long" if text.seconds > _LONG_SECONDS else "short"
    return text.employee_id or "-", text.direction, length, earlier.get(text.checksum, "none")


def take_verdicts(card: Scorecard, rows: list[FilledRow], state: QualityState, *, rater: str) -> int:
    """All rows or none; returns how many."""
    sets = CalibrationSets(state.session)
    items = {one.item_no: one for one in sets.items(card.card)}
    with state.transaction():
        for row in rows:
            item = items.get(row.item_no)
            if item is None:
                raise BadInput(f"there is no item {row.item_no} in the set", problem="sheet_item", item=row.item_no)
            sets.add_verdict(card, item.checksum, row.criterion, row.answer, rater=rater, t=row.t, comment=row.comment)
        state.runs.add_event("calibrate", "verdicts", actor=rater, detail={"card": card.card, "rows": len(rows)})
    return len(rows)


@dataclass(frozen=True, slots=True)
class Calibrated:
    """`status` is of the whole card: pass if each criterion that a model answers passed."""

    judge: JudgeName
    items: int
    bought: int
    status: str
    criteria: dict[str, str]


def calibrate(
    card: Scorecard,
    state: QualityState,
    routing: RoutingState,
    router: Router,
    policy: CallCentrePolicy,
    *,
    repeats: int,
) -> Calibrated:
    """Asks the first provider of the route for what it has not answered yet, then writes the figures."""
    sets = CalibrationSets(state.session)
    name, provider = router.providers(SCORING_TASK)[0]
    judge = JudgeName(card.hash, PROMPT_VERSION, name, provider.model)
    items = sets.items(card.card)
    known = {(one.checksum, one.repetition) for one in sets.answers(judge)}
    bought = 0
    for item in items:
        for repetition in range(1, repeats + 1):
            if (item.checksum, repetition) not in known:
                bought += _answer(card, item, repetition, judge, state, sets, routing, router)
    return _write_figures(card, judge, items, sets, policy, bought)


def _answer(
    card: Scorecard,
    item: Item,
    repetition: int,
    judge: JudgeName,
    state: QualityState,
    sets: CalibrationSets,
    routing: RoutingState,
    router: Router,
) -> int:
    """1 if a response was bought and follows the card. Stored in the transaction of its payment."""
    kept = 0

    def settle(reply: Reply) -> None:
        nonlocal kept
        with routing.session.transaction() as connection:
            state.texts.charge(
                connection,
                item.recording_id,
                model=reply.model,
                tokens=reply.input_tokens + reply.output_tokens,
                usd=reply.cost,
                counted=reply.counted,
                purpose="calibration",
            )
            if reply.content is None or reply.provider != judge.provider:
                return
            try:
                answers = read_answers(reply.content, card, SpokenCall.of(item.body, item.seconds))
            except Permanent:
                return
            given = {one.criterion: {"answer": one.answer, "lost": one.lost is not None} for one in answers}
            sets.keep_answers(connection, judge, item.checksum, repetition, given, reply.cost)
            kept = 1

    try:
        router.ask(question(card, item.checksum, item.body), settle)
    except NoAnswer:
        return 0
    return kept


def _write_figures(
    card: Scorecard, judge: JudgeName, items: list[Item], sets: CalibrationSets, policy: CallCentrePolicy, bought: int
) -> Calibrated:
    verdicts, answers = sets.verdicts(card), sets.answers(judge)
    people, order = _by_person(verdicts)
    given: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for one in answers:
        given[one.checksum][one.repetition] = one.answers
    found = {}
    for criterion in card.asked:
        judged = []
        for item in items:
            said, by_repetition = people.get((item.checksum, criterion.id), {}), given.get(item.checksum, {})
            first = by_repetition.get(1)
            raters = [rater for rater in order if rater in said]
            if not raters or first is None:
                continue
            judged.append(
                Judged(
                    said[raters[0]],
                    first[criterion.id]["answer"],
                    lost=first[criterion.id]["lost"],
                    repeated=tuple(each[criterion.id]["answer"] for at, each in by_repetition.items() if at > 1),
                    second_person=said[raters[1]] if len(raters) > 1 else None,
                )
            )
        found[criterion.id] = figures(criterion, judged, policy.calibration.bars)
    calibrated = [name for name, one in found.items() if one.status == "pass"]
    statuses = {one.status for one in found.values()}
    status = "pass" if statuses == {"pass"} else "fail" if "fail" in statuses else "insufficient"
    sets.keep_figures(
        card.card,
        judge,
        set_hash=_hash_of(verdicts, answers),
        items=len(items),
        figures={name: one.as_json() for name, one in found.items()},
        calls=_whole_scores(card, people, order, given),
        status=status,
        calibrated=calibrated,
    )
    return Calibrated(judge, len(items), bought, status, {name: one.status for name, one in found.items()})


def _by_person(verdicts: list[Verdict]) -> tuple[dict[tuple[str, str], dict[str, str]], list[str]]:
    """Answers by text and criterion; raters, first the one who judged most, whose word is the truth of an item."""
    people: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for one in verdicts:
        people[one.checksum, one.criterion][one.rater] = one.answer
    judged = Counter(one.rater for one in verdicts)
    return people, sorted(judged, key=lambda rater: (-judged[rater], rater))


def _whole_scores(
    card: Scorecard,
    people: dict[tuple[str, str], dict[str, str]],
    order: list[str],
    given: dict[str, dict[int, dict[str, Any]]],
) -> dict[str, float | None]:
    """Of calls that a person has judged whole: how far the scores are apart. Rules are left out of both."""
    pairs: list[tuple[float, float]] = []
    for checksum, by_repetition in given.items():
        said = {one.id: people.get((checksum, one.id), {}) for one in card.asked}
        if 1 not in by_repetition or not all(said.values()):
            continue
        theirs = {name: next(each[rater] for rater in order if rater in each) for name, each in said.items()}
        ours = {name: one["answer"] for name, one in by_repetition[1].items()}
        ruled = {one.id: "na" for one in card.criteria if one.rule is not None}
        first, second = summed(card, theirs | ruled).value, summed(card, ours | ruled).value
        if first is not None and second is not None:
            pairs.append((float(first), float(second)))
    return {"n": float(len(pairs)), "mean_error": mean_error(pairs), "rank_correlation": rank_correlation(pairs)}


def _hash_of(verdicts: list[Verdict], answers: list[Repeated]) -> str:
    rows = sorted([one.checksum, one.criterion, one.rater, one.answer] for one in verdicts)
    asked = sorted([one.checksum, str(one.repetition)] for one in answers)
    return hashlib.sha256(json.dumps([rows, asked]).encode()).hexdigest()
