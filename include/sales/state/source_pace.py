"""One row in PostgreSQL paces all tasks and runs that talk to a source (`SourcePace` of its client)."""

import time
from collections.abc import Callable

from psycopg.types.json import Jsonb

from include.common.errors import Throttled
from include.common.postgres_session import Session

_FILE = "source_pace"
_LOW_RATE_SECONDS = 15 * 60.0
_LONGEST_BLOCK_SECONDS = 60 * 60.0  # a longer hint is a mistake of units, or a daily limit: the task tries again later


class SharedPace:
    """Permits are `1 / rate` seconds apart; the caller sleeps until its own.

    A permit that is more than `max_wait` seconds away is not taken: Throttled, with `retry_after`.
    """

    def __init__(
        self,
        session: Session,
        source: str,
        owner: str,
        *,
        rate: float,
        max_wait: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`rate`: requests a second."""
        self._session = session
        self._named = {"source": source, "owner": owner}
        self._interval = 1 / rate
        self._max_wait = max_wait
        self._sleep = sleep

    def acquire(self) -> None:
        wait = self._session.value(
            _FILE, "take_permit", interval_sec=self._interval, max_wait_sec=self._max_wait, **self._named
        )
        if wait is None:
            hint = self._session.value(_FILE, "wait_now", **self._named)
            raise Throttled("the source asks to slow down: the next request may wait too long", retry_after=hint)
        self._sleep(float(wait))

    def refused(self, code: str, seconds: float, method: str) -> None:
        """Blocks all requests to the source for so many seconds; an event says why."""
        blocked = min(seconds, _LONGEST_BLOCK_SECONDS)
        detail = {"code": code, "seconds": blocked, "method": method}
        with self._session.transaction():
            self._session.count(_FILE, "refused", seconds=blocked, low_sec=_LOW_RATE_SECONDS, **self._named)
            self._session.count(
                _FILE, "log_event", source=self._named["source"], account=self._named["owner"], detail=Jsonb(detail)
            )
