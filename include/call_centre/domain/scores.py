"""From answers to a score. The model chooses, this computes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Literal

from include.call_centre.domain.evidence import Evidence
from include.call_centre.domain.scorecards import UNKNOWN, Scorecard

MOST_LOST_EVIDENCE = 2  # so many answers without valid evidence: another judge, then a person
_HUNDREDTH, _THOUSANDTH = Decimal("0.01"), Decimal("0.001")


class ScoreStatus(StrEnum):
    SCORED = "scored"
    UNSCORABLE = "unscorable"  # with a reason, never a number
    ERROR = "error"


class Doubt(StrEnum):
    """Why a person should look at a score."""

    EVIDENCE = "evidence_not_found"
    AUTO_FAIL = "auto_failed"
    INJECTION = "injection_suspected"


@dataclass(frozen=True, slots=True)
class Answer:
    """`source` is who answered; `lost` is the answer that had no valid evidence and became `unknown`."""

    criterion: str
    answer: str
    why: str
    evidence: tuple[Evidence, ...]
    source: Literal["model", "rule"]
    lost: str | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """`value` is None where too little could be answered. `coverage` is the answered share of the applicable weight."""

    value: Decimal | None
    coverage: Decimal
    passed: bool | None


@dataclass(frozen=True, slots=True)
class Score:
    sum: Sum
    answers: tuple[Answer, ...]
    auto_failed: bool
    doubts: tuple[Doubt, ...]

    @property
    def status(self) -> ScoreStatus:
        return ScoreStatus.UNSCORABLE if self.sum.value is None else ScoreStatus.SCORED

    @property
    def lost_evidence(self) -> int:
        return sum(answer.lost is not None for answer in self.answers)


def summed(card: Scorecard, answers: Mapping[str, str]) -> Sum:
    """`answers` by criterion. `na` leaves both sides; `unknown` and a missing answer lower the coverage only."""
    points = most = answered = applicable = 0
    for criterion in card.criteria:
        answer = answers.get(criterion.id, UNKNOWN)
        if answer == "na":
            continue
        applicable += criterion.weight
        got, possible = criterion.weighed(answer)
        if possible:
            answered, points, most = answered + criterion.weight, points + got, most + possible
    coverage = (Decimal(answered) / applicable if applicable else Decimal(0)).quantize(_THOUSANDTH, ROUND_HALF_UP)
    if not most or coverage < Decimal(str(card.min_coverage)):
        return Sum(None, coverage, None)
    value = (Decimal(100) * points / most).quantize(_HUNDREDTH, ROUND_HALF_UP)
    return Sum(value, coverage, value >= card.pass_score)


def score(card: Scorecard, answers: Iterable[Answer], *, injected: bool) -> Score:
    """The answers of model and rules, in the order of the card. A proposal to fail the call goes to a person."""
    known = {answer.criterion: answer for answer in answers}
    ordered = tuple(
        known.get(one.id) or Answer(one.id, UNKNOWN, "", (), "rule" if one.rule else "model") for one in card.criteria
    )
    failing = any(known[one.id].answer in one.auto_fail for one in card.criteria if one.id in known and one.auto_fail)
    lost = sum(answer.lost is not None for answer in ordered)
    doubts = (
        *((Doubt.EVIDENCE,) if lost >= MOST_LOST_EVIDENCE else ()),
        *((Doubt.AUTO_FAIL,) if failing else ()),
        *((Doubt.INJECTION,) if injected else ()),
    )
    return Score(summed(card, {name: each.answer for name, each in known.items()}), ordered, failing, doubts)


def without_ground(answer: Answer) -> Answer:
    """An answer whose evidence does not hold: it is not kept, and it is said which it was."""
    return replace(answer, answer=UNKNOWN, lost=answer.answer)


def better(first: Score, second: Score) -> bool:
    """True if the second judge's score rests on more evidence."""
    return second.lost_evidence < first.lost_evidence
