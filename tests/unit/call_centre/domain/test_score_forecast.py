"""Forecasts learn from what was bought."""

from include.call_centre.domain.score_forecast import Learnt, Tokens, tokens


def test_tokens_are_learnt_from_the_last_scores() -> None:
    assert tokens(10, 40_000, 5, Learnt(100, 400_000, 130_000, 70_000)) == Tokens(13_000, 7_000)


def test_a_few_scores_teach_nothing() -> None:
    assert tokens(10, 26_000, 5, Learnt(19, 400_000, 130_000, 70_000)) == Tokens(10_000, 5_500)
