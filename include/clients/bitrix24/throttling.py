"""The portal's two refusals (D13): how long to wait, whom to tell, and when it is too long to wait here."""

from collections.abc import Callable, Mapping
from typing import Any

from include.clients.bitrix24.pace import Pace
from include.clients.bitrix24.responses import METHOD_TIME, PortalError, ours
from include.common.errors import Throttled

# A method's budget is summed over ten one-minute buckets: where the portal has not said when it is reset, the oldest
# bucket leaves within a minute.
_METHOD_TIME_SECONDS = 60.0
_LADDER = (1, 3, 6, 12, 24)  # times the backoff: 5/15/30/60/120 s


class Budgets:
    """When the portal resets each method's time budget, by its last good answer, on our monotonic clock.

    `most` is the highest figure of each method so far: seconds of the portal's work in its last ten minutes.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.most: dict[str, float] = {}
        self._clock = clock
        self._resets: dict[str, float] = {}

    def note(self, method: str, time: Any) -> None:
        """Compares `operating_reset_at` with the answer's own `finish`: the portal's clock may differ from ours."""
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


class Patience:
    """What one piece of work may spend on waiting out refusals, `seconds` in all; its requests share it."""

    def __init__(self, pace: Pace, budgets: Budgets, *, backoff: float, seconds: float) -> None:
        self._pace = pace
        self._budgets = budgets
        self._backoff = backoff
        self._left = seconds
        self._times = 0

    def refused(self, error: PortalError, method: str, retry_after: float | None = None) -> None:
        """Tells the pace, whose next permit is then late enough; raises Throttled where that is too long for us."""
        seconds = retry_after if retry_after is not None else self._seconds(error, method)
        self._times += 1
        self._left -= seconds
        self._pace.refused(error.code, seconds, method)
        if self._left < 0:
            raise Throttled(str(ours(error, method)), retry_after=seconds)

    def _seconds(self, error: PortalError, method: str) -> float:
        if error.code == METHOD_TIME:
            return self._budgets.seconds_to_reset(method)
        return self._backoff * _LADDER[min(self._times, len(_LADDER) - 1)]
