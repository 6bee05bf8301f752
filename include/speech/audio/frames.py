"""Frames of 30 ms, the unit of all positions in this package, and masks of them."""

import numpy as np
from numpy.typing import NDArray

FRAME_MS = 30  # the longest frame that WebRTC's detector takes
FRAMES_PER_SEC = 1000 / FRAME_MS

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]


def frames_in(seconds: float) -> int:
    return max(1, round(seconds * FRAMES_PER_SEC))


def runs(mask: Bools) -> list[tuple[int, int]]:
    """Stretches of True as (start, end) in frames, end exclusive."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def closed(stretches: list[tuple[int, int]], holes: int) -> list[tuple[int, int]]:
    """Joins stretches with at most `holes` frames between them."""
    joined: list[tuple[int, int]] = []
    for start, end in stretches:
        if joined and start - joined[-1][1] <= holes:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def around(mask: Bools, before: int, after: int) -> Bools:
    """`mask` and so many frames before and after each of its frames."""
    total = np.concatenate(([0], np.cumsum(mask)))
    places = np.arange(len(mask))
    begin, end = np.maximum(places - after, 0), np.minimum(places + before + 1, len(mask))
    found: Bools = total[end] > total[begin]
    return found
