"""How recordings are cut into batches: one batch is one mapped task of each stage."""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

Key = TypeVar("Key")

# What a recording takes in time however short it is (link, download, row), as minutes of audio
_OVERHEAD_MINUTES = Decimal("0.1")


def plan_batches(
    recordings: Sequence[tuple[Key, Decimal]], *, target_minutes: Decimal, max_batches: int, max_records: int
) -> list[list[Key]]:
    """Cuts recordings (key, minutes), given in the order of the calls, into batches of about equal length.

    Batches aim at `target_minutes` and, on average, at most `max_records` recordings, yet their number never passes
    `max_batches`: a huge period gets longer batches, not more of them. The order of the calls stays, no batch is empty,
    and the same input gives the same batches.
    """
    if not recordings:
        return []
    weights = [minutes + _OVERHEAD_MINUTES for _, minutes in recordings]
    total, passed = sum(weights, Decimal(0)), Decimal(0)
    wanted = max(math.ceil(total / target_minutes), math.ceil(len(recordings) / max_records))
    count = min(wanted, max_batches, len(recordings))
    batches: list[list[Key]] = [[] for _ in range(count)]
    for (key, _), weight in zip(recordings, weights, strict=True):
        middle = passed + weight / 2  # where the recording lies among all minutes says whose it is
        batches[min(int(middle * count / total), count - 1)].append(key)
        passed += weight
    return [batch for batch in batches if batch]
