"""Evidence: words that were said hold, invented ones do not."""

import pytest

from include.call_centre.domain.evidence import Evidence, checked, rests
from tests.unit.call_centre.domain.cards import CALL, criterion

ASKED = criterion()


def check(quote: str, t: float = 2, speaker: str = "operator") -> str | None:
    (found,) = checked([Evidence(t, speaker, quote)], "quote", ASKED, CALL)
    return found.check


@pytest.mark.parametrize(
    "quote",
    [
        "Добрый день, компания Шины",
        "ДОБРЫЙ ДЕНЬ — компания шины!",
        "ну добрый день компания вот шины",
        "добрый день компания «Шины» меня зовут [имя]",
        "добрый день компания шина",
    ],
)
def test_words_that_were_said_hold(quote: str) -> None:
    assert check(quote) == "found"


def test_letters_with_and_without_dots_are_one() -> None:
    assert check("сколько колес нужно", t=12) == "found"


@pytest.mark.parametrize(
    ("quote", "t", "speaker", "result"),
    [
        ("спасибо за ваше обращение", 2, "operator", "not_found"),
        ("добрый день", 2, "operator", "too_short"),
        ("Мы привезём четыре колеса в четверг", 2, "operator", "not_found"),  # said half a minute later
        ("мне нужны зимние шины", 7, "operator", "other_speaker"),
        ("мне нужны зимние шины", 7, "client", "other_speaker"),  # the criterion wants the operator's words
        ("я могу обещать доставку завтра привезём в четверг", 26, "operator", "not_found"),  # without the "не"
        ("могу обещать доставку завтра", 26, "operator", "not_found"),  # begins behind the "не"
        ("привезём в четверг до 19 часов", 26, "operator", "not_found"),
        ("Добрый день, компания Шины", 90, "operator", "outside"),
        ("Добрый день, компания Шины", -5, "operator", "outside"),
    ],
)
def test_other_words_do_not(quote: str, t: float, speaker: str, result: str) -> None:
    assert check(quote, t, speaker) == result


def test_what_was_found_has_the_time_of_its_turn() -> None:
    (found,) = checked([Evidence(6.0, "operator", "компания Шины меня зовут")], "quote", ASKED, CALL)
    assert found.t == 2.0


@pytest.mark.parametrize(("t", "holds"), [(0, True), (42, True), (43.5, False), (-1, False)])
def test_a_place_lies_inside_the_call(t: float, *, holds: bool) -> None:
    (found,) = checked([Evidence(t, "operator", "")], "span", ASKED, CALL)
    assert found.holds is holds


def test_an_answer_rests_on_one_piece_that_holds() -> None:
    good, bad = Evidence(2, "operator", "", "found"), Evidence(2, "operator", "", "not_found")
    assert rests("yes", [bad, good], ASKED)
    assert not rests("yes", [bad], ASKED)
    assert rests("na", [], ASKED)
