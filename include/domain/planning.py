"""How much work there is and how it is cut into batches: before anything is spent (D14, D26)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

Key = TypeVar("Key")

_OVERHEAD_MINUTES = Decimal("0.1")  # what a recording costs in time however short it is: link, download, row
_LINKS_PER_REQUEST = 50  # the portal's limit for one batch


def plan_batches(
    recordings: Sequence[tuple[Key, Decimal]],
    *,
    target_minutes: Decimal,
    max_batches: int = 300,
    max_records: int = 200,
) -> list[list[Key]]:
    """Cuts recordings (key, minutes), given in the order of the calls, into runs of about equal length.

    Batches aim at `target_minutes` and at most `max_records` recordings, yet their number never passes `max_batches`:
    a huge period gets longer batches, not more of them. The same input gives the same batches.
    """
    weights = [minutes + _OVERHEAD_MINUTES for _, minutes in recordings]
    total = sum(weights, Decimal(0))
    if not recordings:
        return []
    wanted = max(math.ceil(total / target_minutes), math.ceil(len(recordings) / max_records))
    count = min(wanted, max_batches, len(recordings))
    batches: list[list[Key]] = [[] for _ in range(count)]
    passed = Decimal(0)
    for (key, _), weight in zip(recordings, weights, strict=True):
        middle = passed + weight / 2
        batches[min(int(middle * count / total), count - 1)].append(key)
        passed += weight
    return [batch for batch in batches if batch]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run will take. `cost_usd` is exact; `hours` is the longer of downloading and recognising."""

    recordings: int
    minutes: Decimal
    cost_usd: Decimal
    hours: Decimal
    portal_requests: int


def forecast(
    *,
    recordings: int,
    minutes: Decimal,
    downloads: int,
    rate_per_min_usd: Decimal,
    lines: int,
    latency_sec_per_min: Decimal,
    portal_rps: Decimal,
) -> Forecast:
    """`minutes` are rounded up once per call (D25); `latency_sec_per_min` is how long a minute of audio takes one line.

    Downloads count as portal requests: most go through its `/rest/` address (D12); they overlap with recognition.
    """
    requests = downloads + math.ceil(downloads / _LINKS_PER_REQUEST)
    recognising = minutes * latency_sec_per_min / lines
    hours = max(recognising, requests / portal_rps) / 3600
    return Forecast(
        recordings=recordings,
        minutes=minutes,
        cost_usd=minutes * rate_per_min_usd,
        hours=hours.quantize(Decimal("0.01")),
        portal_requests=requests,
    )
