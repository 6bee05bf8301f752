"""Claims on calls: which task may work on a call's recordings now, whatever run it belongs to.

A claim is a row with a lease (ADR 0038). A thread of the task renews it; after the death of its process, its host or
its connection, and behind any pooler, it is free when the lease has run out. The claim is on the call: its recordings
may change names between runs, and only their bytes tell them apart.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock, Thread
from uuid import UUID, uuid4

from include.common.errors import ExportError, Temporary
from include.common.postgres_session import Session

log = logging.getLogger(__name__)

LEASE_SECONDS = 45.0
RENEWED_EVERY = 10.0  # seconds: a lease survives three renewals that fail
_FILE = "claims"


class Claim:
    """A call that is claimed. `owner` goes with every move of its recordings."""

    def __init__(self, rows: "_Rows", owner: UUID) -> None:
        self._rows = rows
        self.owner = owner

    def alive(self) -> bool:
        """Renews the lease. False if another task has the call, or if the database does not say that it has not."""
        try:
            return self._rows.renew([self.owner]) > 0
        except Temporary:
            return False


class ManyClaims:
    """Claims of one task on many calls, under one `owner`.

    A call with several recordings may be taken several times; it is free after as many `give`.
    """

    def __init__(self, rows: "_Rows", owner: UUID) -> None:
        self._rows = rows
        self.owner = owner
        self._taken: Counter[tuple[int, str]] = Counter()
        self._lock = Lock()

    def take(self, portal_id: int, call_id: str) -> bool:
        """False if another task has the call."""
        with self._lock:
            if not self._taken[portal_id, call_id] and not self._rows.take(portal_id, call_id, self.owner):
                return False
            self._taken[portal_id, call_id] += 1
            return True

    def give(self, portal_id: int, call_id: str) -> None:
        """Ends one `take` of the call."""
        with self._lock:
            self._taken[portal_id, call_id] -= 1
            if not self._taken[portal_id, call_id]:
                del self._taken[portal_id, call_id]
                self._rows.give(portal_id, call_id, self.owner)


class Claims:
    """The table `call_claims`, on a connection of its own: a long statement of the state must not delay a renewal."""

    def __init__(self, session: Session) -> None:
        self._session = Session(session.conninfo, Path(__file__).parent)
        self._rows = _Rows(self._session)
        self._renewal = _Renewal(self._rows)

    @contextmanager
    def hold(self, portal_id: int, call_id: str) -> Iterator[Claim | None]:
        """A claim on the call for the block; None if another task, or another thread of this one, has it."""
        owner = uuid4()
        if not self._rows.take(portal_id, call_id, owner):
            yield None
            return
        with self._renewal.of(owner):
            yield Claim(self._rows, owner)

    @contextmanager
    def many(self) -> Iterator[ManyClaims]:
        """Claims that a task takes and gives one by one; all of them end with the block."""
        owner = uuid4()
        with self._renewal.of(owner):
            yield ManyClaims(self._rows, owner)

    def seconds_left(self, recording_ids: Sequence[int]) -> float:
        """How long the claims on these recordings' calls last if no task renews them."""
        left = self._session.value(_FILE, "seconds_left", recording_ids=list(recording_ids))
        return max(0.0, float(left or 0.0))

    def close(self) -> None:
        self._renewal.close()
        self._session.close()


class _Rows:
    """The statements."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def take(self, portal_id: int, call_id: str, owner: UUID) -> bool:
        call = {"portal_id": portal_id, "call_id": call_id, "owner": owner}
        return bool(self._session.value(_FILE, "take", **call, seconds=LEASE_SECONDS))

    def renew(self, owners: Sequence[UUID]) -> int:
        return self._session.count(_FILE, "renew", owners=list(owners), seconds=LEASE_SECONDS)

    def give(self, portal_id: int, call_id: str, owner: UUID) -> None:
        self._session.count(_FILE, "give", portal_id=portal_id, call_id=call_id, owner=owner)

    def give_all(self, owner: UUID) -> None:
        self._session.count(_FILE, "give_all", owner=owner)


class _Renewal:
    """A thread that renews the leases of this task; it runs from the first claim until `close`."""

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows
        self._owners: set[UUID] = set()
        self._lock = Lock()
        self._ends = Event()
        self._thread: Thread | None = None

    @contextmanager
    def of(self, owner: UUID) -> Iterator[None]:
        """Renews the owner's claims during the block, and gives all of them at its end."""
        with self._lock:
            self._owners.add(owner)
            if self._thread is None:
                self._ends = Event()
                self._thread = Thread(target=self._renew, args=(self._ends,), name="claims", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._owners.discard(owner)
            with suppress(Temporary):  # the lease runs out by itself
                self._rows.give_all(owner)

    def close(self) -> None:
        with self._lock:
            self._ends.set()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _renew(self, ends: Event) -> None:
        while not ends.wait(RENEWED_EVERY):
            with self._lock:
                owners = list(self._owners)
            if owners:
                try:
                    self._rows.renew(owners)
                except ExportError as error:
                    log.warning("claims were not renewed: %s", error)
