"""A telephony system in words of no vendor: what a client of one yields, and what the areas ask of it.

An area depends on `TelephonySystem` alone. A client (`include/clients/bitrix24`) implements it: field names, method
names and codes of the vendor stay inside the client's folder.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from include.common.errors import BadRow, ExportError
from include.common.periods import Period


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    CALLBACK = "callback"
    INFO = "info"
    UNKNOWN = "unknown"  # the system names a kind of call that the client does not know


class CallOutcome(StrEnum):
    """How a call ended; a client maps the vendor's codes to these."""

    ANSWERED = "answered"
    MISSED = "missed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    BUSY = "busy"
    NOT_AVAILABLE = "not_available"  # the person called does not answer now
    UNREACHABLE = "unreachable"  # the direction is not served
    WRONG_NUMBER = "wrong_number"
    FORBIDDEN = "forbidden"
    LINE_BLOCKED = "line_blocked"
    NO_FUNDS = "no_funds"
    UNDETERMINED = "undetermined"  # the system says that it does not know
    UNKNOWN = "unknown"  # a code that the client does not know
    NOT_STATED = "not_stated"


@dataclass(frozen=True, slots=True)
class Call:
    """One row of the system's call statistics.

    `statistics_id` is the system's own number of the row: unique, and higher for later rows. `record_id` names the
    recording within the call. `started_at` keeps the system's own UTC offset. `recording_ref` is the name by which the
    system gives a link to the recording; without one, the row is read again. `recording_url` has no query and no
    credentials: the full link is a secret and is asked for again right before each download. `unread` says which
    fields of the row could not be read, without their being needed for the recording.
    """

    statistics_id: int
    call_id: str
    record_id: str
    started_at: datetime
    direction: Direction
    phone_line: str
    client_number: str
    employee_id: str | None
    duration_sec: int
    outcome: CallOutcome
    outcome_code: str
    has_recording: bool
    recording_ref: str | None
    recording_url: str | None
    unread: tuple[str, ...] = ()

    @property
    def from_number(self) -> str:
        """The caller: the client's number of an inbound call, our phone line of any other, of an unknown one too."""
        return self.client_number if self.direction is Direction.INBOUND else self.phone_line

    @property
    def to_number(self) -> str:
        return self.phone_line if self.direction is Direction.INBOUND else self.client_number


Listed = Call | BadRow  # a row that cannot be read is listed too: no call is dropped silently

RecordingKey = tuple[str, str]  # call_id and record_id


@dataclass(frozen=True, slots=True)
class RecordingRequest:
    """A request for a link to one recording; without `recording_ref` the statistics row is read again."""

    key: RecordingKey
    statistics_id: int
    recording_ref: str | None


@dataclass(frozen=True, slots=True)
class RecordingLink:
    """`url` is a secret; `size` in bytes where the system knows it."""

    url: str = field(repr=False)
    size: int | None = None


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """`sha256` in hex; `extension` is that of the real container, without a dot."""

    size: int
    sha256: str
    extension: str


class TelephonySystem(Protocol):
    """What the areas ask of a telephony system. Every method raises errors of `include/common/errors.py` only."""

    @property
    def name(self) -> str:
        """The system's name in the data: the source of a transcript that the system made itself."""

    @property
    def host(self) -> str:
        """The system's address as people write it, without credentials."""

    @property
    def links_at_once(self) -> int:
        """How many links one request brings."""

    @property
    def server_seconds(self) -> Mapping[str, float]:
        """The most seconds of work that the system has counted for each of its methods; empty if it counts none."""

    @property
    def clock_offset_sec(self) -> float | None:
        """By how many seconds the system's clock is ahead of ours, by the responses so far; None if it does not say."""

    def check_access(self, now: datetime, *, transcripts: bool = False) -> None:
        """Raises AccessDenied that names the missing right; `transcripts` asks for the right to read those too."""

    def count_calls(self, period: Period) -> int:
        """The system's own total of the period, to which the listing is compared."""

    def list_calls(self, period: Period, *, total: int | None = None) -> Iterator[list[Listed]]:
        """Pages of the period's calls, each call exactly once; `total` saves a request if the caller has counted."""

    def employee_names(self, ids: Iterable[str]) -> dict[str, str]:
        """Names by id; an employee whom the system does not know, or who has no name, is left out."""

    def links(self, requests: Sequence[RecordingRequest]) -> dict[RecordingKey, RecordingLink | ExportError]:
        """A fresh link, or the reason why there is none, for each request."""

    def download(self, link: RecordingLink, target: Path) -> DownloadedFile:
        """Writes `target` whole or not at all, and checks that it is audio."""

    def transcripts(self, statistics_ids: Sequence[int]) -> dict[int, str]:
        """Texts that the system's own recognition has made, by statistics row; a call without one is left out."""
