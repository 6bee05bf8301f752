"""One row in PostgreSQL paces all workers and runs that talk to the portal."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar
from uuid import UUID

import aiosql
import psycopg
from psycopg.types.json import Jsonb

from include.common.errors import NotConfigured, Temporary, Throttled
from include.common.postgres_session import connect

# No refusal asks for more: the portal counts a method's time over ten minutes. A longer hint is a mistake of units and
# would block every run of every night.
MAX_BLOCK_SECONDS = 15 * 60.0

_T = TypeVar("_T")


class Pace(Protocol):
    """What the portal's client calls before and after a request."""

    def acquire(self) -> None:
        """Blocks until a request may be sent; raises Throttled if that takes too long."""

    def refused(self, code: str, seconds: float, method: str) -> None:
        """The portal has refused with this code; no request should be sent for so many seconds."""


@dataclass(frozen=True, slots=True)
class LowRate:
    """When the pace is reduced: more than `refusals` in `window_sec` slow all requests down to `rps` for `seconds`."""

    rps: float = 0.5
    refusals: int = 10
    window_sec: float = 15 * 60.0
    seconds: float = 15 * 60.0


class OwnPace:
    """For one process where no state database runs yet: before the first start. Refusals delay its next requests."""

    def __init__(
        self,
        *,
        rate: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._interval = 1 / rate
        self._clock = clock
        self._sleep = sleep
        self._next = clock()

    def acquire(self) -> None:
        now = self._clock()
        self._sleep(max(0.0, self._next - now))
        self._next = max(self._next, now) + self._interval

    def refused(self, code: str, seconds: float, method: str) -> None:  # noqa: ARG002  the interface's names
        self._next = max(self._next, self._clock() + min(seconds, MAX_BLOCK_SECONDS))


class PortalPace:
    """Permits are `1 / rate` seconds apart and given out by the database; the caller sleeps until its own.

    Up to `burst` permits that passed unused may be taken at once: the portal itself counts requests in a bucket (50 in
    the cloud), and a permit that came while no process was ready for it would be lost otherwise. A permit that is more
    than `max_wait` seconds away is not taken: Throttled, with `retry_after`. A refusal delays all permits that are not
    yet given out. Threads may share one instance: it holds one connection, opened at first use and again after it was
    lost. Raises Temporary if the database does not respond.
    """

    def __init__(
        self,
        conninfo: str,
        portal: str,
        *,
        rate: float = 2.0,
        burst: int = 0,
        run_id: UUID | None = None,
        low_rate: LowRate | None = None,
        max_wait: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._conninfo = conninfo
        self._portal = portal
        self._interval = 1 / rate
        self._saved = burst / rate
        self._low_rate = low_rate or LowRate()
        self._low_interval = max(1 / self._low_rate.rps, self._interval)
        self._run_id = run_id
        self._max_wait = max_wait
        self._sleep = sleep
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None

    def acquire(self) -> None:
        self._sleep(self._on_database(self._take_permit))

    def refused(self, code: str, seconds: float, method: str) -> None:
        """Blocks all requests, writes the event, and after too many refusals in the window reduces the rate."""
        self._on_database(lambda db: self._record_refusal(db, code, min(seconds, MAX_BLOCK_SECONDS), method))

    def force_low_rate(self, seconds: float) -> None:
        """The low rate for all requests to this portal, for `seconds` (run parameter `low_rate`)."""
        self._on_database(lambda db: self._slow_down(db, seconds, reason="forced"))

    def close(self) -> None:
        with self._lock:
            self._forget_connection()

    def _take_permit(self, db: psycopg.Connection[Any]) -> float:
        taken = _queries().take_permit(
            db,
            portal=self._portal,
            interval_sec=self._interval,
            low_interval_sec=self._low_interval,
            saved_sec=self._saved,
            calm_sec=self._low_rate.window_sec,
            max_wait_sec=self._max_wait,
        )
        if taken is None:
            wait = _queries().wait_now(db, portal=self._portal)
            raise Throttled("the portal asks to slow down: the next request may wait too long", retry_after=wait)
        return max(0.0, float(taken[0]))

    def _record_refusal(self, db: psycopg.Connection[Any], code: str, seconds: float, method: str) -> None:
        with db.transaction():
            # the row's lock, taken first, lets concurrent refusals count each other
            until, is_low = _queries().block(db, portal=self._portal, seconds=seconds)
            detail = {"portal": self._portal, "code": code, "method": method, "until": until.isoformat()}
            _queries().log_event(db, run_id=self._run_id, event="portal_refused", detail=Jsonb(detail))
            refusals = _queries().recent_refusals(db, portal=self._portal, window_sec=self._low_rate.window_sec)
            if refusals > self._low_rate.refusals and not is_low:
                self._slow_down(db, self._low_rate.seconds, reason="refusals")

    def _slow_down(self, db: psycopg.Connection[Any], seconds: float, *, reason: str) -> None:
        with db.transaction():
            was_low = _queries().low_rate_now(db, portal=self._portal)
            (until,) = _queries().slow_down(db, portal=self._portal, seconds=seconds)
            if not was_low:
                detail = {"portal": self._portal, "reason": reason, "until": until.isoformat()}
                _queries().log_event(db, run_id=self._run_id, event="low_rate_on", detail=Jsonb(detail))

    def _on_database(self, work: Callable[[psycopg.Connection[Any]], _T]) -> _T:
        """Tries once more on a new connection if the old one turns out to be lost."""
        with self._lock:
            for _ in range(2):
                try:
                    return work(self._connected())
                except psycopg.errors.UndefinedTable:
                    raise NotConfigured(
                        "the state database has no schema: run the migrations", problem="schema_missing"
                    ) from None
                except (psycopg.OperationalError, psycopg.InterfaceError) as lost:
                    kind = type(lost).__name__
                    self._forget_connection()
        raise Temporary(f"the state database does not respond ({kind}), so no request to the portal can be paced")

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            self._connection, _ = connect(self._conninfo)
        return self._connection

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@cache
def _queries() -> Any:
    return aiosql.from_path(Path(__file__).with_name("pace.sql"), "psycopg")
