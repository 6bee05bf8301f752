"""The table `audit_log`: who did what with people's conversations. Entries can only be added."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from include.calls.domain.audit_chain import Action, Ends, Entry
from include.common.masking import mask_phones, scrub_secrets
from include.common.postgres_session import Session, storable

_FILE = "audit"
ENTRIES_AT_ONCE = 20_000  # a fifth of a second on a small machine

Detail = Mapping[str, object]  # texts, numbers, truth values, None


class AuditLog:
    """The chain of `include/calls/domain/audit_chain.py`, over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def record(
        self,
        action: Action,
        *,
        actor: str,
        run_id: UUID | None = None,
        call_id: str | None = None,
        record_id: str | None = None,
        reason: str = "",
        detail: Detail | None = None,
    ) -> int:
        """Adds an entry and returns its number; in a transaction it comes with the rest or not at all.

        Call it last there: until the transaction ends, all who record something wait for it. Phone numbers and keys in
        `reason` and `detail` are hidden. Raises what the database raises: what cannot be recorded must not be done.
        """
        return int(
            self._session.value(
                _FILE,
                "record",
                action=action,
                actor=_safe(actor) or "-",
                run_id=run_id,
                call_id=storable(call_id) if call_id is not None else None,
                record_id=storable(record_id) if record_id is not None else None,
                reason=_safe(reason),
                detail=Jsonb({name: _safe(value) if isinstance(value, str) else value
                              for name, value in (detail or {}).items()}),
            )
        )  # fmt: skip

    def entries(self, *, since: datetime | None = None, until: datetime | None = None) -> Generator[Entry]:
        """In the chain's order; `until` is exclusive."""
        yield from self._session.stream(_FILE, "entries", Entry, since=since, until=until)

    def newest(self, action: Action) -> dict[str, Any] | None:
        """The detail of the newest entry of this action; None if there is none."""
        detail: dict[str, Any] | None = self._session.value(_FILE, "newest", action=action)
        return detail

    @contextmanager
    def snapshot(self) -> Iterator[Ends]:
        """The ends of the chain; `entries` in this block are those of the same moment."""
        with self._session.transaction() as connection:
            connection.execute(self._session.statement(_FILE, "one_snapshot"))
            (found,) = self._session.rows(_FILE, "ends", Ends)
            yield found

    def forget(self, *, older_than: datetime) -> int:
        """Removes entries past their retention, and records that it did. The database refuses less than three years."""
        with self._session.transaction():
            forgotten = self._session.count(_FILE, "forget", older_than=older_than)
            if forgotten:
                self.record(Action.ENTRIES_FORGOTTEN, actor="retention", detail={"entries": forgotten})
        return forgotten


class ChainWatch:
    """Checks the chain for the metrics, a part at each call; after the last part it begins again.

    The database does the work, so a watch needs no right to read an entry. One watch per process, one thread at a time.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._after = self._now = self._last = 0

    def breaks(self) -> int:
        """How many breaks this round or the whole round before has found."""
        ((up_to, at_end, found),) = self._session.values(_FILE, "check", after=self._after, most=ENTRIES_AT_ONCE)
        self._after, self._now = up_to, self._now + found
        seen = max(self._now, self._last)
        if at_end:
            self._after, self._now, self._last = 0, 0, self._now
        return seen


def _safe(text: str) -> str:
    return storable(mask_phones(scrub_secrets(text)))
