"""Divides recordings into batches: one batch is one mapped task of each stage."""

import math
from collections.abc import Callable, Hashable, Sequence
from itertools import chain
from typing import TypeVar

Key = TypeVar("Key")

# The time that every recording takes beside its length (link, download, row), as minutes of audio
_OVERHEAD_MINUTES = 0.1
_COARSER = 1.25
# Calls by which each next batch is longer: small steps until each slot has its first batch; later the downloads are
# ahead of the slots: some four recordings are fetched while a slot recognises one.
_FIRST_STEP = 1 / 4
_LATER_STEP = 2
# A batch gets a little more than a slot's share of what is left: a tenth fewer tasks, and slots still end together.
_SHARE = 4 / 3


def plan_batches(
    recordings: Sequence[tuple[Key, float]],
    *,
    call_of: Callable[[Key], Hashable],
    slots: int,
    max_batches: int,
    min_calls: int,
    max_calls: int,
) -> list[list[Key]]:
    """Divides recordings (key, minutes), given in the order of the calls, into batches that keep all `slots` busy.

    Recordings of one call are in one batch: only one task at a time may hold the claim on a call.

    The first batches are small, so that no slot waits long for its first download; each next one is a little longer;
    towards the end they shrink with what is left ("guided self-scheduling"), so that all slots end together and no
    long batch delays the run's end. `min_calls` and `max_calls` are in calls of the average length.

    There are at most `max_batches`: a huge period gets longer batches, not more of them. The order of the calls stays,
    no batch is empty, and the same input gives the same batches.
    """
    if not recordings:
        return []
    calls: dict[Hashable, list[tuple[Key, float]]] = {}
    for key, minutes in recordings:
        calls.setdefault(call_of(key), []).append((key, minutes))
    weights = [math.fsum(minutes + _OVERHEAD_MINUTES for _, minutes in call) for call in calls.values()]
    scale = math.fsum(weights) / len(weights)
    while True:
        cuts = _cuts(weights, slots=slots, shortest=min_calls * scale, step=scale, longest=max_calls * scale)
        if len(cuts) <= max_batches:
            break
        scale *= _COARSER
    keys = [[key for key, _ in call] for call in calls.values()]
    return [list(chain(*keys[start:end])) for start, end in zip([0, *cuts], cuts, strict=False)]


def _cuts(weights: Sequence[float], *, slots: int, shortest: float, step: float, longest: float) -> list[int]:
    """Where each batch ends: the index after its last call."""
    left = math.fsum(weights)
    cuts: list[int] = []
    start = 0
    while start < len(weights):
        later = max(0, len(cuts) - slots + 1)
        grown = shortest + (_FIRST_STEP * (len(cuts) - later) + _LATER_STEP * later) * step
        target = min(grown, max(left / slots * _SHARE, shortest), longest)
        end, weight = start + 1, weights[start]
        while end < len(weights) and weight + weights[end] / 2 <= target:
            weight += weights[end]
            end += 1
        cuts.append(end)
        start, left = end, left - weight
    return cuts
