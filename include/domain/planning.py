"""How recordings are cut into batches: one batch is one mapped task of each stage."""

import math
from collections.abc import Sequence
from typing import TypeVar

Key = TypeVar("Key")

# What a recording takes in time however short it is (link, download, row), as minutes of audio
_OVERHEAD_MINUTES = 0.1
# Batches per line of recognition: while one is recognised the next is downloaded, and the last ones end together
_BATCHES_PER_LINE = 8


def plan_batches(
    recordings: Sequence[tuple[Key, float]], *, lines: int, max_batches: int, min_calls: int, max_calls: int
) -> list[list[Key]]:
    """Cuts recordings (key, minutes), given in the order of the calls, into batches of about equal minutes.

    So many batches that `lines` parallel recognitions are kept busy, with `min_calls` to `max_calls` recordings on
    average; never more than `max_batches`: a huge period gets longer batches, not more of them. The order of the calls
    stays, no batch is empty, and the same input gives the same batches.
    """
    if not recordings:
        return []
    weights = [minutes + _OVERHEAD_MINUTES for _, minutes in recordings]
    total, passed = math.fsum(weights), 0.0
    count = _how_many(len(recordings), lines, max_batches, min_calls, max_calls)
    batches: list[list[Key]] = [[] for _ in range(count)]
    for (key, _), weight in zip(recordings, weights, strict=True):
        middle = passed + weight / 2  # where the recording lies among all minutes says whose it is
        batches[min(int(middle / total * count), count - 1)].append(key)
        passed += weight
    return [batch for batch in batches if batch]


def _how_many(recordings: int, lines: int, max_batches: int, min_calls: int, max_calls: int) -> int:
    wanted = max(lines * _BATCHES_PER_LINE, math.ceil(recordings / max_calls))
    return min(wanted, max(1, recordings // min_calls), max_batches)
