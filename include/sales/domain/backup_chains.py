"""Which backups may go: an incremental one needs those before it, back to its full one."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple


class Kept(NamedTuple):
    """A backup that exists; `base` is the one on which an incremental backup is built."""

    backup: str
    base: str | None
    at: datetime


def expired(kept: Sequence[Kept], now: datetime, *, full: timedelta, incremental: timedelta) -> list[str]:
    """Names in the order in which they may be removed: never a base before what is built on it.

    A full backup is as old as the newest one of its chain. The newest backup stays, with its chain, however old it is.
    """
    needed = _chain(kept, max(kept, key=lambda one: one.at).backup) if kept else set()
    left = {one.backup: one for one in kept if one.backup not in needed}
    gone: list[str] = []
    while True:
        bases = {one.base for one in left.values()} | needed
        leaves = [one for one in left.values() if one.backup not in bases and _is_old(one, now, full, incremental)]
        if not leaves:
            return gone
        for one in sorted(leaves, key=lambda leaf: leaf.at, reverse=True):
            gone.append(one.backup)
            del left[one.backup]


def _is_old(one: Kept, now: datetime, full: timedelta, incremental: timedelta) -> bool:
    return now - one.at > (full if one.base is None else incremental)


def _chain(kept: Sequence[Kept], name: str) -> set[str]:
    by_name, found, at = {one.backup: one for one in kept}, set[str](), str(name)
    while at in by_name:
        found.add(at)
        at = by_name[at].base or ""
    return found
