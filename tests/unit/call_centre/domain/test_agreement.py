"""Agreement, against worked examples of textbooks."""

import random

import pytest

from include.call_centre.domain.agreement import (
    Bars,
    Judged,
    ac1,
    agreement,
    figures,
    kappa,
    kappa_interval,
    mean_error,
    rank_correlation,
    wilson,
)
from tests.unit.call_centre.domain.cards import criterion

BARS = Bars(kappa=0.6, ac1=0.8, recall=0.7)
BINARY = criterion(answers={"yes": 100, "no": 0}, evidence={"yes": "none", "no": "none"})


def pairs(table: dict[tuple[str, str], int]) -> list[tuple[str, str]]:
    return [pair for pair, count in table.items() for _ in range(count)]


# Fleiss, Levin, Paik, Statistical Methods for Rates and Proportions, table 18.1: 100 subjects, three categories
FLEISS = pairs(
    {("p", "p"): 75, ("p", "n"): 1, ("p", "o"): 4, ("n", "p"): 5, ("n", "n"): 4, ("n", "o"): 1, ("o", "o"): 10}
)
# Gwet 2008, table 2 (the paradox of kappa): 125 subjects
GWET = pairs({("+", "+"): 118, ("+", "-"): 5, ("-", "+"): 2})


def test_kappa_of_fleiss() -> None:
    assert agreement(FLEISS) == pytest.approx(0.89)
    assert kappa(FLEISS) == pytest.approx(0.676, abs=5e-4)


def test_ac1_stands_where_kappa_collapses() -> None:
    assert kappa(GWET) == pytest.approx(-0.0234, abs=5e-5)
    assert ac1(GWET, 2) == pytest.approx(0.9408, abs=5e-5)


def test_wilson_of_newcombe() -> None:
    """Newcombe 1998: 81 of 263."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 0) is None


def test_a_judge_that_always_says_yes_agrees_by_chance_only() -> None:
    judged = [Judged("no" if number < 60 else "yes", "yes") for number in range(200)]
    found = figures(BINARY, judged, BARS)
    assert (found.kappa, found.recall, found.status) == (0.0, 0.0, "fail")


def test_a_skew_alone_calibrates_nothing() -> None:
    """97 % yes: AC1 is high, and the bad answers are missed all the same."""
    judged = [Judged("no" if number < 12 else "yes", "yes") for number in range(400)]
    found = figures(BINARY, judged, BARS)
    assert (found.ac1 or 0) > BARS.ac1
    assert found.status == "fail"


@pytest.mark.parametrize(("items", "bad"), [(49, 20), (200, 9), (60, 55)])
def test_too_few_items_give_no_number(items: int, bad: int) -> None:
    judged = [Judged("no" if number < bad else "yes", "no" if number < bad else "yes") for number in range(items)]
    found = figures(BINARY, judged, BARS)
    assert (found.status, found.kappa, found.ac1, found.recall) == ("insufficient", None, None, None)


def test_unknown_is_no_answer_but_misses_a_bad_one() -> None:
    judged = [Judged("no", "no")] * 30 + [Judged("no", "unknown")] * 10 + [Judged("yes", "yes")] * 60
    found = figures(BINARY, judged, BARS)
    assert (found.unknown, found.kappa, found.recall) == (0.1, 1.0, 0.75)


def test_what_people_agree_among_themselves_stands_beside() -> None:
    second = ["no"] * 15 + ["yes"] * 5
    judged = [Judged("no", "no", second_person=name) for name in second]
    judged += [Judged("yes", "yes", second_person="yes")] * 20 + [Judged("yes", "yes", repeated=("no",))] * 20
    found = figures(BINARY, judged, BARS)
    assert (found.people_n, found.people_kappa, found.flips) == (40, 0.75, 1.0)


def test_the_interval_is_the_same_each_time_and_holds_the_figure() -> None:
    chance = random.Random(7)
    drawn = [(name, name if chance.random() < 0.85 else "b") for name in chance.choices("ab", k=120)]
    low, high = kappa_interval(drawn) or (1, 0)
    assert low < (kappa(drawn) or 0) < high
    assert kappa_interval(drawn) == (low, high)


def test_whole_scores() -> None:
    both = [(70.0, 60.0), (80.0, 80.0), (90.0, 95.0)]
    assert mean_error(both) == pytest.approx(5)
    assert rank_correlation(both) == pytest.approx(1)
    assert rank_correlation([(1, 1), (1, 2)]) is None
    assert rank_correlation([(1, 2), (2, 2), (3, 4), (4, 1)]) == pytest.approx(-0.3162, abs=1e-4)
