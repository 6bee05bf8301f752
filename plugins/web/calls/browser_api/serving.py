"""One request: its work over a session and the present policy, in a thread of ours."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from include.calls.policy import Policy
from include.calls.state.shown_call import ShownCall
from plugins.hooks.calls_policy import load_run_policy
from plugins.web.calls.browser_api.call_pages import CallPages
from plugins.web.calls.browser_api.reader import Reader
from plugins.web.calls.browser_api.refusals import Refused, refusals
from plugins.web.calls.browser_api.threads import in_thread, sessions

Answer = TypeVar("Answer")
_POLICY_SECONDS = 60.0


class _Policies:
    """The policy, read again after a minute: it is a file and a connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._policy: Policy | None = None
        self._read_at = float("-inf")

    def now(self) -> Policy:
        with self._lock:
            if self._policy is None or time.monotonic() - self._read_at > _POLICY_SECONDS:
                self._policy, self._read_at = load_run_policy(), time.monotonic()
            return self._policy


_policies = _Policies()


async def served(reader: Reader, work: Callable[[CallPages], Answer]) -> Answer:
    """The work in a thread of ours; a refusal in the reader's language."""

    def over_a_session() -> Answer:
        with refusals(), sessions.one() as session:
            return work(CallPages(session, reader, _policies.now()))

    try:
        return await in_thread(over_a_session)
    except Refused as refused:
        raise refused.answer(reader.language) from None


@contextmanager
def while_audio_stays(reader: Reader, call: ShownCall) -> Iterator[None]:
    """As `CallPages.while_audio_stays`, over a session of its own: for a thread that outlives the request."""
    with sessions.one() as session, CallPages(session, reader, _policies.now()).while_audio_stays(call):
        yield
