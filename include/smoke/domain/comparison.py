"""Two engines on the same calls: the difference of their word errors, with a bootstrap interval over the calls."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from include.smoke.domain.judgement import EntryResult
from include.speech.spoken_words import words_of
from include.speech.word_errors import Errors, alignment, total

DRAWS = 10_000
_SEED = 1
_INTERVAL = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class CallDifference:
    """One call at both engines. `only_first`, `only_second`: expected words that one of them heard alone."""

    call_id: str
    record_id: str
    first: Errors
    second: Errors
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`difference`: the second engine's word error rate minus the first one's; `low`, `high`: 95 % of the draws."""

    first: str
    second: str
    calls: tuple[CallDifference, ...]
    difference: float | None
    low: float | None
    high: float | None
    first_cost: Decimal
    second_cost: Decimal
    first_seconds: float
    second_seconds: float

    @property
    def better(self) -> str | None:
        """The engine with fewer errors, only if the interval excludes zero."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return None
        return self.first if self.low > 0 else self.second


def compare(first: Sequence[EntryResult], second: Sequence[EntryResult], *, seed: int = _SEED) -> Comparison:
    """Of the calls that have a text and words to compare with at both engines."""
    others = {(one.call_id, one.record_id): one for one in second}
    both = [
        (one, others[one.call_id, one.record_id])
        for one in first
        if (one.call_id, one.record_id) in others and one.figures and others[one.call_id, one.record_id].figures
    ]
    calls = tuple(_difference(one, other) for one, other in both)
    pairs = [(call.first, call.second) for call in calls if call.first.words]
    interval = bootstrap(pairs, seed=seed)
    return Comparison(
        first=first[0].engine if first else "",
        second=second[0].engine if second else "",
        calls=calls,
        difference=_rate_difference(pairs),
        low=interval and interval[0],
        high=interval and interval[1],
        first_cost=sum((one.cost for one, _ in both), Decimal(0)),
        second_cost=sum((other.cost for _, other in both), Decimal(0)),
        first_seconds=sum(one.seconds for one, _ in both),
        second_seconds=sum(other.seconds for _, other in both),
    )


def bootstrap(pairs: Sequence[tuple[Errors, Errors]], *, seed: int, draws: int = DRAWS) -> tuple[float, float] | None:
    """The interval of the difference of corpus rates when calls are drawn with replacement; None below two calls."""
    if len(pairs) < 2:
        return None
    counted = [(one.words, other.total - one.total) for one, other in pairs]
    rng = random.Random(seed)
    found = sorted(_drawn(counted, rng) for _ in range(draws))
    low, high = (found[min(draws - 1, int(share * draws))] for share in _INTERVAL)
    return low, high


def _drawn(counted: Sequence[tuple[int, int]], rng: random.Random) -> float:
    chosen = rng.choices(counted, k=len(counted))
    return sum(more for _, more in chosen) / sum(words for words, _ in chosen)


def _rate_difference(pairs: Sequence[tuple[Errors, Errors]]) -> float | None:
    first, second = total(one for one, _ in pairs), total(other for _, other in pairs)
    return None if first.rate is None or second.rate is None else second.rate - first.rate


def _difference(one: EntryResult, other: EntryResult) -> CallDifference:
    assert one.figures is not None
    assert other.figures is not None
    heard, heard_too = _heard(one), _heard(other)
    words = _expected_words(one)
    return CallDifference(
        call_id=one.call_id,
        record_id=one.record_id,
        first=one.figures.errors,
        second=other.figures.errors,
        only_first=tuple(words[place] for place in sorted(heard - heard_too)),
        only_second=tuple(words[place] for place in sorted(heard_too - heard)),
    )


def _expected_words(result: EntryResult) -> tuple[str, ...]:
    return tuple(word for line in result.expected for word in words_of(line.text))


def _heard(result: EntryResult) -> set[int]:
    said = [word for line in result.said for word in words_of(line.text)]
    steps = alignment(_expected_words(result), said)
    return {step.reference for step in steps if step.kind == "equal" and step.reference is not None}
