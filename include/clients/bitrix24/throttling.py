"""The portal's two refusals, rate and method time: how long to wait, and when to give up waiting here."""

from collections.abc import Callable, Mapping
from typing import Any

from include.clients.bitrix24.pace import Pace
from include.clients.bitrix24.portal_errors import METHOD_TIME, PortalError, export_error
from include.common.errors import Throttled

# The time of a method is summed over ten one-minute buckets: if the portal has not said when it resets the sum, the
# oldest bucket leaves within a minute.
_METHOD_TIME_SECONDS = 60.0
_LADDER = (1, 3, 6, 12, 24)  # times the backoff: 5/15/30/60/120 s


class MethodBudgets:
    """When the portal resets the time budget of each method, by its last response, on our monotonic clock.

    `most` is the highest figure of each method so far: seconds of the portal's work in its last ten minutes.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.most: dict[str, float] = {}
        self._clock = clock
        self._resets: dict[str, float] = {}

    def note(self, method: str, time: Any) -> None:
        """Compares `operating_reset_at` with the response's own `finish`: the portal's clock may differ from ours."""
        if not isinstance(time, Mapping):
            return
        reset, finish = time.get("operating_reset_at"), time.get("finish")
        if isinstance(reset, int | float) and isinstance(finish, int | float):
            self._resets[method] = self._clock() + reset - finish
        operating = time.get("operating")
        if isinstance(operating, int | float) and operating > self.most.get(method, 0):
            self.most[method] = float(operating)

    def seconds_to_reset(self, method: str) -> float:
        left = self._resets.get(method, 0.0) - self._clock()
        return left if left > 0 else _METHOD_TIME_SECONDS


class RefusalLimit:
    """The `seconds` that one piece of work may spend on waiting after refusals; its requests share them."""

    def __init__(self, pace: Pace, budgets: MethodBudgets, *, backoff: float, seconds: float) -> None:
        self._pace = pace
        self._budgets = budgets
        self._backoff = backoff
        self._left = seconds
        self._times = 0

    def refused(self, error: PortalError, method: str, retry_after: float | None = None) -> None:
        """Reports the refusal to the pace, which delays its next permit; raises Throttled if the wait is too long."""
        seconds = retry_after if retry_after is not None else self._seconds(error, method)
        self._times += 1
        self._left -= seconds
        self._pace.refused(error.code, seconds, method)
        if self._left < 0:
            raise Throttled(str(export_error(error, method)), retry_after=seconds)

    def _seconds(self, error: PortalError, method: str) -> float:
        if error.code == METHOD_TIME:
            return self._budgets.seconds_to_reset(method)
        return self._backoff * _LADDER[min(self._times, len(_LADDER) - 1)]
