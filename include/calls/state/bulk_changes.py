"""Statements that change many recordings run one after another.

Two of them may meet the same rows in a different order. Without this lock each would then hold rows that the other
waits for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection

from include.common.postgres_session import Session

_FILE = "bulk_changes"


@contextmanager
def bulk_change(session: Session) -> Iterator[Connection[Any]]:
    """A transaction that waits for the bulk changes of other sessions; it should last a second at most."""
    with session.transaction() as connection:
        connection.execute(session.statement(_FILE, "lock"))
        yield connection
