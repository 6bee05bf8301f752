"""The portal's two limits: the leaky bucket of requests and the time budget of each method."""

import math
import threading
from collections import defaultdict
from dataclasses import dataclass, field

MINUTES_KEPT = 10  # the vendor sums a method's time over ten buckets of one minute


@dataclass
class Limits:
    """The limits of one portal; figures of the ordinary cloud plans by default.

    `speed` makes the portal's clock run that many times faster: more requests a second, shorter windows.
    `method_seconds` is what one call of a method costs of its `method_budget`; unnamed methods cost nothing.
    """

    rps: float = 2.0
    bucket: int = 50
    method_budget: float = 480.0
    method_seconds: dict[str, float] = field(default_factory=dict)
    speed: float = 1.0

    def __post_init__(self) -> None:
        self._level = 0.0
        self._drained_at = 0.0
        self._spent: dict[str, dict[int, float]] = defaultdict(dict)
        self._lock = threading.Lock()

    @property
    def bucket_seconds(self) -> float:
        return 60.0 / self.speed

    def admit(self, now: float) -> bool:
        """Whether this request still fits into the bucket; one that does not is not counted."""
        with self._lock:
            self._level = max(0.0, self._level - (now - self._drained_at) * self.rps * self.speed)
            self._drained_at = now
            if self._level + 1 > self.bucket:
                return False
            self._level += 1
            return True

    def spend(self, method: str, now: float) -> bool:
        """Takes one call from the method's budget; False if it is already used up."""
        with self._lock:
            if self._operating(method, now) >= self.method_budget:
                return False
            minute = int(now // self.bucket_seconds)
            cost = self.method_seconds.get(method, 0.0)
            self._spent[method][minute] = self._spent[method].get(minute, 0.0) + cost
            return True

    def operating(self, method: str, now: float) -> float:
        with self._lock:
            return self._operating(method, now)

    def reset_at(self, method: str, now: float) -> int:
        """Unix second at which the oldest spent minute leaves the window: `operating_reset_at`."""
        with self._lock:
            self._forget(method, now)
            spent = [minute for minute, seconds in self._spent[method].items() if seconds > 0]
            began = min(spent) * self.bucket_seconds if spent else now
            return math.ceil(began + MINUTES_KEPT * self.bucket_seconds)

    def _operating(self, method: str, now: float) -> float:
        self._forget(method, now)
        return sum(self._spent[method].values())

    def _forget(self, method: str, now: float) -> None:
        current = int(now // self.bucket_seconds)
        for minute in [minute for minute in self._spent[method] if minute <= current - MINUTES_KEPT]:
            del self._spent[method][minute]
