"""Where the call browser's work runs: threads and connections of its own.

Airflow's own pages and the heartbeats of tasks share one pool of threads in the api-server. What waits here for a
database or a bucket must not keep them waiting.
"""

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import anyio
from anyio.lowlevel import RunVar
from anyio.to_thread import run_sync

from include.calls.state.state import QUERIES
from include.common.postgres_session import Session
from plugins.hooks.calls_state import CallsStateHook
from plugins.web.calls.browser_api.refusals import Refused

Result = TypeVar("Result")

AT_ONCE = 8
MOST_WAITING = 64
# A search gives up after two seconds. Each statement is planned for its values, and compiling a plan would take longer
# than these statements.
_SETTINGS = {"statement_timeout": "2s", "plan_cache_mode": "force_custom_plan", "jit": "off"}
_limiter: RunVar[anyio.CapacityLimiter] = RunVar("call browser")


async def in_thread(work: Callable[..., Result], *arguments: object) -> Result:
    """Raises Refused if too many requests wait already."""
    limiter = _limiter.get(None)
    if limiter is None:
        limiter = anyio.CapacityLimiter(AT_ONCE)
        _limiter.set(limiter)
    if limiter.statistics().tasks_waiting >= MOST_WAITING:
        raise Refused(503, "busy")
    return await run_sync(partial(work, *arguments), limiter=limiter)


class Sessions:
    """As many connections as threads work at once, opened when they are needed."""

    def __init__(self, conninfo: Callable[[], str]) -> None:
        self._conninfo = conninfo
        self._idle: queue.LifoQueue[Session] = queue.LifoQueue()

    @contextmanager
    def one(self) -> Iterator[Session]:
        """A connection that no other thread uses until the end of the block."""
        try:
            session = self._idle.get_nowait()
        except queue.Empty:
            session = Session(self._conninfo(), QUERIES, settings=_SETTINGS)
        try:
            yield session
        finally:
            self._idle.put(session)

    def close(self) -> None:
        while not self._idle.empty():
            self._idle.get_nowait().close()


sessions = Sessions(lambda: CallsStateHook().conninfo())
