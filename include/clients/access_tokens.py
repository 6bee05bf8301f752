"""Tokens that a source issues to a program, kept for all its processes: renewing one ends the old one."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(slots=True)
class HeldToken:
    """A token while it is locked: what is assigned to it is kept when the lock ends. Empty: there is none yet."""

    value: str = ""
    refresh: str = ""
    expires_at: datetime | None = None


class TokenStore(Protocol):
    """Tokens by source and owner (an account, or the client itself)."""

    def locked(self, source: str, owner: str) -> AbstractContextManager[HeldToken]:
        """The token, which no other process changes until the block ends. An exception keeps nothing."""


class OwnTokens:
    """Tokens of one process: for checks by hand and for tests."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], HeldToken] = {}
        self._lock = threading.Lock()

    @contextmanager
    def locked(self, source: str, owner: str) -> Iterator[HeldToken]:
        with self._lock:
            known = self._held.get((source, owner), HeldToken())
            held = HeldToken(known.value, known.refresh, known.expires_at)
            yield held
            self._held[(source, owner)] = held
