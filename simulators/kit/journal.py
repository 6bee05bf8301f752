"""The requests and responses of a simulator, for tests that count requests and refusals."""

import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Entry:
    """One request, or one command inside a batch (`inner`).

    `where` is a method in lower case, "download", "storage", "transcriptions", ...; `subject` names the requested
    object: a file id, a storage path, the SHA-256 of an audio. Times are seconds of the Unix clock.
    """

    where: str
    subject: str = ""
    inner: bool = False
    at: float = field(default_factory=time.time)
    finished_at: float | None = None
    status: int | None = None
    error: str = ""
    fault: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


class Journal:
    """Entries in the order in which the requests arrived. May be read while requests are running."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def add(self, entry: Entry) -> Entry:
        with self._lock:
            self._entries.append(entry)
        return entry

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()

    def entries(
        self, where: str | None = None, *, subject: str | None = None, inner: bool | None = None
    ) -> list[Entry]:
        """Entries that match; `inner=False` leaves HTTP requests only, `inner=True` commands of batches only."""
        with self._lock:
            found = list(self._entries)
        return [
            entry
            for entry in found
            if (where is None or entry.where == where.lower())
            and (subject is None or entry.subject == subject)
            and (inner is None or entry.inner == inner)
        ]

    def count(self, where: str | None = None, *, subject: str | None = None, status: int | None = None) -> int:
        """HTTP requests and commands of batches that match."""
        return sum(status in (None, entry.status) for entry in self.entries(where, subject=subject))

    def refusals(self) -> list[Entry]:
        return [entry for entry in self.entries() if entry.error in ("QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT")]

    def peak(self, where: str) -> int:
        """The greatest number of such requests that were in progress at one time."""
        edges = [edge for e in self.entries(where) for edge in ((e.at, 1), (e.finished_at or time.time(), -1))]
        level = peak = 0
        for _, step in sorted(edges):
            level += step
            peak = max(peak, level)
        return peak

    def as_dicts(self) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self.entries()]
