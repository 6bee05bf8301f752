"""How the work is cut into batches, and what it will take (D14, D26)."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import TypeVar

from include.domain.money import call_cost

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run is going to buy. `minutes` are exact, money rounds each call up (D25); `hours` is wall time."""

    recordings: int
    minutes: Decimal
    cost: Decimal
    hours: float


def plan_batches(
    recordings: Sequence[tuple[Key, float]], *, lines: int, max_batches: int, min_calls: int, max_calls: int
) -> list[list[Key]]:
    """Batches balanced by minutes, their number bounded: the first recordings of the period come first.

    `recordings` are (key, minutes) in the order in which they should be worked on. Each line gets several batches, so that no
    straggler holds the run; a batch has at least `min_calls`, so that a task's own cost stays small.
    """
    if not recordings:
        return []
    count = min(max_batches, max(lines * 8, ceil(len(recordings) / max_calls)), ceil(len(recordings) / min_calls))
    total = sum(minutes for _, minutes in recordings)
    batches: list[list[Key]] = [[] for _ in range(count)]
    done = 0.0
    for number, (key, minutes) in enumerate(recordings):
        # the middle of a recording on the axis of all minutes says whose it is; without minutes, its number does
        share = (done + minutes / 2) / total if total else (number + 0.5) / len(recordings)
        batches[min(count - 1, int(share * count))].append(key)
        done += minutes
    return [batch for batch in batches if batch]


def forecast(
    seconds: Sequence[float], *, rate_per_min: Decimal, lines: int, seconds_per_minute: float, portal_rps: float
) -> Forecast:
    """`seconds` are the portal's durations of the recordings to buy, the best that is known before they are here.

    Wall time is the larger of two floors: recognition on all lines, and one paced request per download.
    """
    minutes = sum((Decimal(str(s)) for s in seconds), Decimal(0)) / 60
    cost = sum((call_cost(s, rate_per_min) for s in seconds), Decimal(0))
    recognition = float(minutes) * seconds_per_minute / lines
    listing_and_links = ceil(len(seconds) / 50)
    portal = (len(seconds) + listing_and_links) / portal_rps
    return Forecast(len(seconds), minutes.quantize(Decimal("0.01")), cost, max(recognition, portal) / 3600)
