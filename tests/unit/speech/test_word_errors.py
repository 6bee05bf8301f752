"""Word errors: counts, rates of several texts, the alignment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.speech.word_errors import Errors, alignment, character_errors, total, word_errors

WORDS = st.lists(st.sampled_from(["да", "нет", "заказ", "5"]), max_size=12).map(tuple)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        ("а б в г", "а б в г", Errors(4)),
        ("а б в г", "а х в", Errors(4, substitutions=1, deletions=1)),
        ("а б", "а б б", Errors(2, insertions=1)),
        ("", "а б", Errors(0, insertions=2)),
        ("а б", "", Errors(2, deletions=2)),
        ("", "", Errors()),
    ],
)
def test_counts(reference: str, hypothesis: str, expected: Errors) -> None:
    assert word_errors(reference.split(), hypothesis.split()) == expected


def test_an_empty_reference_has_no_rate() -> None:
    assert word_errors([], ["а"]).rate is None


def test_the_rate_of_several_texts_is_that_of_their_sum() -> None:
    """A mean of files would be 0.5 here: one wrong word of a text of one, none of nine."""
    both = total([Errors(1, substitutions=1), Errors(9)])
    assert both.rate == pytest.approx(0.1)


def test_characters_are_those_of_the_words_with_spaces() -> None:
    assert character_errors(["аб", "в"], ["аб", "г"]) == Errors(4, substitutions=1)


@given(WORDS, WORDS)
def test_an_alignment_has_every_word_once_and_explains_the_count(
    reference: tuple[str, ...], hypothesis: tuple[str, ...]
) -> None:
    steps = alignment(reference, hypothesis)
    assert [step.reference for step in steps if step.reference is not None] == list(range(len(reference)))
    assert [step.hypothesis for step in steps if step.hypothesis is not None] == list(range(len(hypothesis)))
    assert sum(step.kind != "equal" for step in steps) == word_errors(reference, hypothesis).total
