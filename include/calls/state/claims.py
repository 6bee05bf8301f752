"""Claims on calls: which task may work on a call's recordings now, whatever run it belongs to.

A claim is a lock of a database session, so it ends with its process. The claim is on the call: its recordings may
change names between runs, and only their bytes tell them apart.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import psycopg
from psycopg import Connection

from include.common.postgres_session import Session, connect, our_errors

_FILE = "claims"


class Claim:
    """Holds a call while the connection with its lock lives."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection

    def alive(self) -> bool:
        """False once the connection is lost, for example by a restart of PostgreSQL: another task may have claimed."""
        try:
            self._connection.execute("SELECT 1")
        except (psycopg.OperationalError, psycopg.InterfaceError):
            return False
        return True


class ManyClaims(Claim):
    """Claims of one task on many calls over one connection.

    A call with several recordings may be taken several times; it is free after as many `give`.
    """

    def __init__(self, session: Session, connection: Connection[Any]) -> None:
        super().__init__(connection)
        self._session = session
        self._taken: Counter[tuple[int, str]] = Counter()
        self._lock = Lock()

    def take(self, portal_id: int, call_id: str) -> bool:
        """False if another task has the call."""
        with self._lock:
            if not self._taken[portal_id, call_id] and not self._execute("try_claim", portal_id, call_id):
                return False
            self._taken[portal_id, call_id] += 1
            return True

    def give(self, portal_id: int, call_id: str) -> None:
        """Ends one `take` of the call."""
        with self._lock:
            self._taken[portal_id, call_id] -= 1
            if not self._taken[portal_id, call_id]:
                del self._taken[portal_id, call_id]
                self._execute("release_claim", portal_id, call_id)

    def _execute(self, name: str, portal_id: int, call_id: str) -> bool:
        return _ask(self._session, self._connection, name, portal_id, call_id)


class Claims:
    """Session locks on calls, on connections of their own."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @contextmanager
    def hold(self, portal_id: int, call_id: str) -> Iterator[Claim | None]:
        """A claim on the call for the block; None if another task, or another thread of this one, has it."""
        with self._connection() as connection:
            yield Claim(connection) if _ask(self._session, connection, "try_claim", portal_id, call_id) else None

    @contextmanager
    def many(self) -> Iterator[ManyClaims]:
        """Claims that a task takes and gives one by one; all of them end with the block."""
        with self._connection() as connection:
            yield ManyClaims(self._session, connection)

    @contextmanager
    def _connection(self) -> Iterator[Connection[Any]]:
        with our_errors():
            connection = connect(self._session.conninfo)
        try:
            yield connection
        finally:
            connection.close()


def _ask(session: Session, connection: Connection[Any], name: str, portal_id: int, call_id: str) -> bool:
    parameters = {"portal_id": portal_id, "call_id": call_id}
    with our_errors():
        row = connection.execute(session.statement(_FILE, name), parameters).fetchone()
    return bool(row and row[0])
