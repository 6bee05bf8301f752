"""Two engines: what is said of a difference, and how often the interval holds the truth."""

import random

import pytest

from include.smoke.domain.comparison import bootstrap, compare
from include.smoke.domain.judgement import EntryResult, compared
from include.speech.transcript_lines import read_lines
from include.speech.word_errors import Errors

CALLS, WORDS = 60, 120


def result(engine: str, call_id: str, expected: str, said: str) -> EntryResult:
    wanted, found = read_lines(expected), read_lines(said)
    return EntryResult(
        engine, "m", call_id, "1", "success", figures=compared(wanted, found), expected=wanted, said=found
    )


def engine(share: float, rng: random.Random) -> list[Errors]:
    return [Errors(WORDS, substitutions=sum(rng.random() < share for _ in range(WORDS))) for _ in range(CALLS)]


def test_the_interval_holds_the_true_difference() -> None:
    """Engines with 5 % and 8 % of wrong words, 20 seeds."""
    held = 0
    for seed in range(20):
        rng = random.Random(seed)
        pairs = list(zip(engine(0.05, rng), engine(0.08, rng), strict=True))
        interval = bootstrap(pairs, seed=seed, draws=2000)
        assert interval is not None
        held += interval[0] <= 0.03 <= interval[1]
    assert held >= 19


def test_the_same_seed_gives_the_same_interval() -> None:
    pairs = [(Errors(10, substitutions=1), Errors(10, substitutions=n % 4)) for n in range(8)]
    assert bootstrap(pairs, seed=1, draws=500) == bootstrap(pairs, seed=1, draws=500)


def test_better_is_said_only_where_the_interval_excludes_zero() -> None:
    right, wrong = "а б в г", "а х в г"
    clear = [[result(name, str(n), right, said) for n in range(12)] for name, said in (("one", right), ("two", wrong))]
    assert compare(*clear).better == "one"
    unclear = [
        [result("one", str(n), right, wrong if n == 0 else right) for n in range(12)],
        [result("two", str(n), right, wrong if n == 1 else right) for n in range(12)],
    ]
    found = compare(*unclear)
    assert found.better is None
    assert found.difference == 0.0


def test_words_that_one_engine_heard_alone() -> None:
    found = compare([result("one", "1", "а б в г", "а б х г")], [result("two", "1", "а б в г", "а в г")])
    assert (found.calls[0].only_first, found.calls[0].only_second) == (("б",), ("в",))


def test_one_call_shows_no_interval() -> None:
    assert bootstrap([(Errors(1), Errors(1))], seed=1) is None


def test_calls_without_a_text_at_both_engines_are_left_out() -> None:
    failed = EntryResult("two", "m", "2", "1", "failure", "stt_timeout")
    both = [result("one", "1", "а", "а"), result("one", "2", "а", "а")]
    found = compare(both, [result("two", "1", "а", "а"), failed])
    assert [call.call_id for call in found.calls] == ["1"]
    assert pytest.approx(0.0) == found.difference
