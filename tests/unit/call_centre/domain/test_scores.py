"""The score is computed, and what was not answered is not counted."""

from decimal import Decimal

import pytest

from include.call_centre.domain.scores import Answer, Doubt, ScoreStatus, score, summed
from tests.unit.call_centre.domain.cards import card, criterion

CARD = card(
    criterion(id="a", weight=10),
    criterion(id="b", weight=30),
    criterion(id="c", weight=60, auto_fail=["no"]),
)


@pytest.mark.parametrize(
    ("answers", "value", "coverage"),
    [
        ({"a": "yes", "b": "yes", "c": "yes"}, "100.00", "1.000"),
        ({"a": "yes", "b": "partly", "c": "no"}, "25.00", "1.000"),
        ({"a": "na", "b": "partly", "c": "yes"}, "83.33", "1.000"),  # na leaves both sides
        ({"a": "unknown", "b": "yes", "c": "yes"}, "100.00", "0.900"),  # unknown is neither good nor bad
        ({"b": "yes", "c": "yes"}, "100.00", "0.900"),  # nor is a missing answer
        ({"a": "yes", "b": "yes", "c": "unknown"}, None, "0.400"),
        ({"a": "na", "b": "na", "c": "na"}, None, "0.000"),
    ],
)
def test_a_score_is_of_what_was_answered(answers: dict[str, str], value: str | None, coverage: str) -> None:
    found = summed(CARD, answers)
    assert (found.value, found.coverage) == (value and Decimal(value), Decimal(coverage))


def answered(**answers: str) -> list[Answer]:
    return [Answer(name, answer, "", (), "model") for name, answer in answers.items()]


def test_an_answer_that_fails_the_call_is_a_proposal() -> None:
    found = score(CARD, answered(a="yes", b="yes", c="no"), injected=False)
    assert found.auto_failed
    assert found.doubts == (Doubt.AUTO_FAIL,)
    assert found.sum.value == Decimal("40.00")


def test_two_answers_without_evidence_send_the_score_to_a_person() -> None:
    lost = [Answer(name, "unknown", "", (), "model", lost="yes") for name in ("a", "b")]
    found = score(CARD, [*lost, *answered(c="yes")], injected=False)
    assert found.doubts == (Doubt.EVIDENCE,)


def test_orders_to_the_judge_send_it_to_a_person() -> None:
    assert score(CARD, answered(a="yes", b="yes", c="yes"), injected=True).doubts == (Doubt.INJECTION,)


def test_below_the_least_coverage_there_is_no_number() -> None:
    found = score(CARD, answered(a="yes"), injected=False)
    assert (found.status, found.sum.value, found.sum.passed) == (ScoreStatus.UNSCORABLE, None, None)


def test_every_criterion_of_the_card_has_an_answer() -> None:
    found = score(CARD, answered(c="yes"), injected=False)
    assert [(one.criterion, one.answer) for one in found.answers] == [("a", "unknown"), ("b", "unknown"), ("c", "yes")]
