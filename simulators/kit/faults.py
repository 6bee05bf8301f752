"""Faults on demand: which requests are damaged, how, and how many times."""

import threading
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    STATUS = "status"  # respond `status` with `body`
    BODY = "body"  # respond 200 with `body`
    ERROR = "error"  # the method fails with `body` = {"error", "error_description"}; inside a batch, only that command
    HANG = "hang"  # send nothing for `seconds`, then drop the connection
    DELAY = "delay"  # respond properly after `seconds`
    TRUNCATE = "truncate"  # the true Content-Length, half of the body, connection closed
    SHORT = "short"  # half of the body with a Content-Length that agrees with it
    EMPTY = "empty"  # 200 and zero bytes
    HTML200 = "html200"  # an HTML page instead of data
    WRONG_LENGTH = "wrong_length"  # the whole body, but Content-Length promises more
    REDIRECT = "redirect"  # `status` (302 unless a 3xx is given) to `url`
    DROP_CONNECTION = "drop_connection"  # reset without a byte


@dataclass(slots=True)
class Fault:
    """Damages `times` requests to `where` (-1: all of them) after the first `after` of them.

    `where` is a method's name in any case, "download", "storage", "transcriptions", "chat", "responses", or "*";
    `match`, if given, must be the request's subject (a file id, a storage path).
    """

    where: str
    kind: FaultKind
    times: int = 1
    after: int = 0
    match: str = ""
    status: int = 503
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 3600.0
    url: str = ""

    def __post_init__(self) -> None:
        self.kind = FaultKind(self.kind)
        self.where = self.where.lower()

    def concerns(self, where: str, subject: str) -> bool:
        return self.where in ("*", where) and self.match in ("", subject) and self.times != 0


class Faults:
    """The faults still to happen; the first one that concerns a request is used for it."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, where: str, kind: FaultKind | str, **options: Any) -> Fault:
        """See `Fault` for the options. Raises ValueError or TypeError for an unknown one."""
        fault = Fault(where=where, kind=FaultKind(kind), **options)
        with self._lock:
            self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, where: str, subject: str = "", *, of_method: bool = False) -> Fault | None:
        """The fault for this request, if any; `of_method` takes ERROR faults only, otherwise all other kinds."""
        with self._lock:
            for fault in self._waiting:
                if (fault.kind is FaultKind.ERROR) != of_method or not fault.concerns(where, subject):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1 if fault.times > 0 else 0
                return fault
        return None

    def as_dicts(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._waiting if fault.times != 0]
