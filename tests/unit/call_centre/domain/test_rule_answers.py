"""What code answers by itself."""

from typing import Any

import pytest

from include.call_centre.domain.rule_answers import rule_answer
from include.call_centre.domain.spoken_call import SpokenCall
from tests.unit.call_centre.domain.cards import BODY, CALL, criterion


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ({"name": "first_words_within", "seconds": 10}, "yes"),
        ({"name": "first_words_within", "seconds": 1}, "no"),
        ({"name": "talk_share_between", "least": 0.4, "most": 0.8}, "yes"),
        ({"name": "talk_share_between", "least": 0.1, "most": 0.3}, "no"),
        ({"name": "required_phrases", "phrases": ["всего доброго"]}, "yes"),
        ({"name": "required_phrases", "phrases": ["спасибо за звонок"]}, "no"),
        ({"name": "forbidden_phrases", "phrases": ["не знаю"]}, "yes"),
        ({"name": "forbidden_phrases", "phrases": ["не могу обещать"]}, "no"),
        ({"name": "pace_at_most", "most": 150}, "yes"),
        ({"name": "pace_at_most", "most": 20}, "no"),
        ({"name": "longest_pause_at_most", "seconds": 10}, "yes"),
        ({"name": "longest_pause_at_most", "seconds": 1}, "no"),
        ({"name": "not_transferred"}, "yes"),
    ],
)
def test_a_rule_answers_the_first_choice_if_it_holds_else_the_last(rule: dict[str, Any], answer: str) -> None:
    asked = criterion(answers={"yes": 100, "no": 0}, evidence={}, rule=rule)
    assert rule_answer(asked, CALL).answer == answer


def test_a_phrase_that_was_said_is_shown_with_its_place() -> None:
    asked = criterion(answers={"yes": 100, "no": 0}, evidence={}, rule={"name": "not_transferred"})
    body = BODY + "[00:00:39] [Оператор]: Сейчас соединю вас с отделом.\n"
    found = rule_answer(asked, SpokenCall.of(body, 42))
    assert (found.answer, [one.t for one in found.evidence]) == ("no", [39.0])


@pytest.mark.parametrize("name", ["talk_share_between", "first_words_within", "required_phrases"])
def test_a_speaker_who_is_not_in_the_text_has_no_answer(name: str) -> None:
    rule = {"name": name, "seconds": 5, "least": 0.1, "most": 0.9, "phrases": ["да"]}
    asked = criterion(answers={"yes": 100, "no": 0}, evidence={}, rule=rule)
    alone = SpokenCall.of("[00:00:02] [Клиент]: Алло, вы меня слышите?\n", 9)
    assert rule_answer(asked, alone).answer == "unknown"
