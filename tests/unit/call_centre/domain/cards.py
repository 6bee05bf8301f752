"""A small card and a small call for the tests of the domain."""

from typing import Any

from include.call_centre.domain.scorecards import Criterion, Scorecard
from include.call_centre.domain.spoken_call import SpokenCall

BODY = """\
[00:00:02] [Оператор]: Добрый день, компания Шины, меня зовут [имя].
[00:00:07] [Клиент]: Здравствуйте, мне нужны зимние шины на семнадцать.
[00:00:12] [Оператор]: Скажите, пожалуйста, какая у вас машина и сколько колёс нужно?
[00:00:19] [Клиент]: Четыре колеса, машина Шкода Октавия.
[00:00:26] [Оператор]: Я не могу обещать доставку завтра, привезём в четверг до 18 часов.
[00:00:33] [Клиент]: Хорошо, договорились.
[00:00:37] [Оператор]: Мы привезём четыре колеса в четверг. Всего доброго!
"""
CALL = SpokenCall.of(BODY, 42.0)


def criterion(**other: Any) -> Criterion:
    plain: dict[str, Any] = {
        "id": "greeting",
        "section": "Начало",
        "question": "Поздоровался?",
        "answers": {"yes": 100, "partly": 50, "no": 0},
        "weight": 10,
        "speaker": "operator",
        "evidence": {"yes": "quote", "partly": "quote", "no": "span"},
    }
    return Criterion.model_validate(plain | other)


def card(*criteria: Criterion, **other: Any) -> Scorecard:
    plain: dict[str, Any] = {
        "card": "test",
        "version": 1,
        "title": "Карта",
        "judges": "operator",
        "pass_score": 70,
        "min_coverage": 0.6,
        "criteria": criteria or (criterion(),),
    }
    return Scorecard.model_validate(plain | other)
