"""Which calls are scored where not all are, and which of them people judge: by hash, so the same on each run."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HELD_OUT_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A call that may be drawn; `stratum` is what every part of the draw must have some of."""

    checksum: str
    call: str
    stratum: tuple[str, ...]


def drawn(candidates: Sequence[Candidate], share: float) -> list[Candidate]:
    """About that share of each stratum, and at least one call of it; stable as long as the call is there."""
    if share >= 1:
        return list(candidates)
    groups: dict[tuple[str, ...], list[Candidate]] = defaultdict(list)
    for one in candidates:
        groups[one.stratum].append(one)
    kept = set()
    for group in groups.values():
        # by the call's own hash and not by a place in the list: a call that was drawn stays drawn
        kept |= {one.checksum for one in group if place(one.call) < share}
        kept.add(min(group, key=lambda one: place(one.call)).checksum)
    return [one for one in candidates if one.checksum in kept]


def sheet(candidates: Iterable[Candidate], count: int) -> list[Candidate]:
    """`count` of them, the strata in turn, so that rare ones are there."""
    groups: dict[tuple[str, ...], list[Candidate]] = defaultdict(list)
    for one in sorted(candidates, key=lambda one: place(one.call)):
        groups[one.stratum].append(one)
    chosen: list[Candidate] = []
    waiting = [groups[stratum] for stratum in sorted(groups)]
    while waiting and len(chosen) < count:
        chosen += [group.pop(0) for group in waiting]
        waiting = [group for group in waiting if group]
    return chosen[:count]


def split(employee: str, day: str) -> str:
    """`dev` or `heldout`, for all calls of one employee on one day alike."""
    return "heldout" if place(f"{employee}/{day}") < HELD_OUT_SHARE else "dev"


def place(name: str) -> float:
    """A number from 0 to 1 that only the name decides."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64
