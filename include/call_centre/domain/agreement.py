"""How often a judge agrees with people, and how sure that is.

Cohen's kappa (1960), Gwet's AC1 (2008), Wilson's interval (1927), percentile bootstrap. The figures are compared with
worked examples in the tests and with an independent program by `python -m trials.call_centre agreement`.
"""

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from include.call_centre.domain.scorecards import UNKNOWN, Criterion

LEAST_ITEMS = 50
LEAST_OF_AN_ANSWER = 10  # of the bad answer, and of all others together
_RESAMPLES = 1000
_Z = 1.959963984540054  # 95 %
Pair = tuple[str, str]  # a person's answer, the judge's
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Bars:
    """From which figures on a criterion counts: `kappa` or `ac1`, and `recall` of the bad answer."""

    kappa: float
    ac1: float
    recall: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one criterion and one judge. Figures are None where they are not defined, or where there are too few items.

    `n` are items with a person's answer that counts; `unknown` and `lost` are shares of them. `table` is
    {person's answer: {judge's answer: count}}.
    """

    n: int
    status: Literal["pass", "fail", "insufficient"]
    table: dict[str, dict[str, int]]
    unknown: float
    lost: float
    agreement: float | None = None
    kappa: float | None = None
    kappa_interval: Interval | None = None
    ac1: float | None = None
    precision: float | None = None
    precision_interval: Interval | None = None
    recall: float | None = None
    recall_interval: Interval | None = None
    people_kappa: float | None = None  # between two people on the same items: more cannot be expected of a judge
    people_n: int = 0
    flips: float | None = None  # share of items whose answer differed between repetitions

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def kappa(pairs: Sequence[Pair]) -> float | None:
    """None where chance alone agrees always: both gave one and the same answer throughout."""
    if not pairs:
        return None
    observed = agreement(pairs)
    left, right = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(left[name] * right[name] for name in left) / len(pairs) ** 2
    return None if chance == 1 else (observed - chance) / (1 - chance)


def ac1(pairs: Sequence[Pair], categories: int) -> float | None:
    """`categories` is how many answers there are to choose from; with fewer than two nothing was measured."""
    if not pairs or categories < 2:
        return None
    both = Counter(name for pair in pairs for name in pair)
    shares = [count / (2 * len(pairs)) for count in both.values()]
    chance = sum(share * (1 - share) for share in shares) / (categories - 1)
    return (agreement(pairs) - chance) / (1 - chance)


def agreement(pairs: Sequence[Pair]) -> float:
    return sum(a == b for a, b in pairs) / len(pairs)


def wilson(hits: int, of: int) -> Interval | None:
    if not of:
        return None
    share, spread = hits / of, _Z**2 / of
    middle = (share + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def kappa_interval(pairs: Sequence[Pair], *, seed: int = 1) -> Interval | None:
    """95 %, by drawing the items again; always the same for the same pairs."""
    chance = random.Random(seed)
    table = Counter(pairs)
    cells, weights = list(table), list(table.values())
    drawn: list[float] = []
    for _ in range(_RESAMPLES):
        found = kappa(chance.choices(cells, weights, k=len(pairs)))
        if found is not None:
            drawn.append(found)
    if not drawn:
        return None
    drawn.sort()
    return drawn[int(0.025 * len(drawn))], drawn[min(len(drawn) - 1, int(0.975 * len(drawn)))]


@dataclass(frozen=True, slots=True)
class Judged:
    """One item of a calibration set: what the judge answered (each repetition), and what people said."""

    person: str
    judge: str
    lost: bool = False  # the judge's answer had no valid evidence
    repeated: tuple[str, ...] = ()
    second_person: str | None = None


def figures(criterion: Criterion, judged: Sequence[Judged], bars: Bars) -> Figures:
    """A person's `unknown` is no truth; a judge's `unknown` is no answer, but misses a bad one all the same."""
    items = [one for one in judged if one.person != UNKNOWN]
    pairs = [(one.person, one.judge) for one in items if one.judge != UNKNOWN]
    count = len(items)
    table: dict[str, dict[str, int]] = {}
    for one in items:
        row = table.setdefault(one.person, {})
        row[one.judge] = row.get(one.judge, 0) + 1
    unknown = sum(one.judge == UNKNOWN for one in items) / count if count else 0.0
    lost = sum(one.lost for one in items) / count if count else 0.0
    bad = sum(one.person == criterion.bad for one in items)
    if len(pairs) < LEAST_ITEMS or bad < LEAST_OF_AN_ANSWER or count - bad < LEAST_OF_AN_ANSWER:
        return Figures(count, "insufficient", table, unknown, lost)
    hits = sum(one.person == one.judge == criterion.bad for one in items)
    called = sum(one.judge == criterion.bad for one in items)
    found_kappa, found_ac1 = kappa(pairs), ac1(pairs, len(criterion.answers) + bool(criterion.na))
    agrees = (found_kappa is not None and found_kappa >= bars.kappa) or (
        found_ac1 is not None and found_ac1 >= bars.ac1
    )
    people = [(one.person, one.second_person) for one in items if one.second_person not in (None, UNKNOWN)]
    both = [(first, second) for first, second in people if second is not None]
    repeated = [one for one in items if one.repeated]
    return Figures(
        count,
        "pass" if agrees and hits / bad >= bars.recall else "fail",
        table,
        unknown,
        lost,
        agreement=agreement(pairs),
        kappa=found_kappa,
        kappa_interval=kappa_interval(pairs),
        ac1=found_ac1,
        precision=hits / called if called else None,
        precision_interval=wilson(hits, called),
        recall=hits / bad,
        recall_interval=wilson(hits, bad),
        people_kappa=kappa(both),
        people_n=len(both),
        flips=sum(len({one.judge, *one.repeated}) > 1 for one in repeated) / len(repeated) if repeated else None,
    )


def mean_error(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Of whole scores: how far the judge's are from people's, on average."""
    return sum(abs(a - b) for a, b in pairs) / len(pairs) if pairs else None


def rank_correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Spearman's; None where one side never differs."""
    if len(pairs) < 2:
        return None
    left, right = _ranks([a for a, _ in pairs]), _ranks([b for _, b in pairs])
    mean = (len(pairs) + 1) / 2
    above = sum((a - mean) * (b - mean) for a, b in zip(left, right, strict=True))
    below = math.sqrt(sum((a - mean) ** 2 for a in left) * sum((b - mean) ** 2 for b in right))
    return above / below if below else None


def _ranks(values: Sequence[float]) -> list[float]:
    """Equal values share the mean of their places."""
    order = sorted(range(len(values)), key=lambda at: values[at])
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for at in order[start : end + 1]:
            ranks[at] = (start + end) / 2 + 1
        start = end + 1
    return ranks
