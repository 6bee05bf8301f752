"""Where files live in the storage, and file names made of ids that strangers chose (D30).

Ids as portals really give them stay readable. In any other id every character outside `a-z 0-9 . -` is written `%XX`, byte by byte
of its UTF-8: the id can be read back, two ids never meet in one name, not even where a file system ignores case, and no name is a
path, a reserved word or hidden.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote_to_bytes

from include.domain.periods import Period

ROOT = "exports"
# `call_` + call + `_` + record + extension stay within the 255 bytes that file systems allow for a name.
MAX_NAME = 100
_HASH = 16  # hex digits kept of the id's SHA-256

# Voximplant's and an external PBX's call ids, and our own record ids: one spelling each, so case tells nothing apart.
_REAL = re.compile(
    r"[0-9A-F]{1,40}(\.\d{1,20}){0,3}|externalCall\.[0-9a-f]{1,64}(\.\d{1,20}){0,2}|url-[0-9a-f]{16}|none-\d{1,19}"
)
_REAL_BUT_FOR_CASE = re.compile(_REAL.pattern, re.IGNORECASE)
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_ALWAYS_KEPT = frozenset(b"0123456789.-")
_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyz")
_SHORTENED = re.compile(r".*%~[0-9a-f]{16}")


def safe_name(any_id: str) -> str:
    """A file name for any id: ASCII, at most 100 bytes, reversible by `original_id` unless shortened.

    An id that would not fit keeps its beginning and gets `%~` and a hash, which no escape looks like; the whole id stands in
    the transcript's header and in the registry.
    """
    if _REAL.fullmatch(any_id):
        return any_id
    kept = _ALWAYS_KEPT if _REAL_BUT_FOR_CASE.fullmatch(any_id) else _ALWAYS_KEPT | _LETTERS
    data = any_id.encode("utf-8", "surrogatepass")
    parts = [chr(byte) if byte in kept else f"%{byte:02X}" for byte in data]
    if not parts:
        return "%"
    if parts[0] in ".-" or _RESERVED.fullmatch(any_id):
        parts[0] = f"%{data[0]:02X}"
    if parts[-1] == ".":  # Windows drops a trailing dot
        parts[-1] = "%2E"
    name = "".join(parts)
    return name if len(name) <= MAX_NAME else _shortened(parts, data)


def original_id(name: str) -> str | None:
    """The id a name was made of; None where the name was shortened."""
    if _SHORTENED.fullmatch(name):
        return None
    return "" if name == "%" else unquote_to_bytes(name).decode("utf-8", "surrogatepass")


def _shortened(parts: list[str], data: bytes) -> str:
    room = MAX_NAME - len("%~") - _HASH
    head = ""
    for part in parts:
        if len(head) + len(part) > room:
            break
        head += part
    return f"{head}%~{hashlib.sha256(data).hexdigest()[:_HASH]}"


@dataclass(frozen=True, slots=True)
class RecordKeys:
    """Storage keys of one recording's files. `started_at` may have any offset: dates in paths are UTC.

    `several` says that the call has more than one recording: then each name carries the record's id too. An underscore never
    comes from an id (it is escaped), so `call_<a>_<b>` has one reading.
    """

    period: Period
    call_id: str
    record_id: str
    started_at: datetime
    several: bool

    @property
    def name(self) -> str:
        return f"call_{safe_name(self.call_id)}" + (f"_{safe_name(self.record_id)}" if self.several else "")

    def raw(self, extension: str) -> str:
        day = self.started_at.astimezone(UTC)
        return f"{period_prefix(self.period)}/raw/{day:%Y/%m/%d}/{self.name}.{extension}"

    @property
    def transcript(self) -> str:
        return f"{period_prefix(self.period)}/transcripts/{self.name}.txt"

    @property
    def recognition(self) -> str:
        return f"{period_prefix(self.period)}/recognition/{self.name}.json"

    @property
    def summary(self) -> str:
        return f"{period_prefix(self.period)}/summary/{self.name}.md"


def period_prefix(period: Period) -> str:
    return f"{ROOT}/{period.folder}"


def registry_key(period: Period) -> str:
    return f"{period_prefix(period)}/registry/calls_{period.folder}.csv"


def report_key(period: Period, suffix: str) -> str:
    """`suffix` is `.md`, `.pdf`, or `_<picture>.png`."""
    return f"{period_prefix(period)}/reports/summary_{period.folder}{suffix}"


def estimate_key(period: Period) -> str:
    return f"{period_prefix(period)}/reports/estimate_{period.folder}.md"


def log_key(period: Period, at: datetime) -> str:
    return f"{period_prefix(period)}/logs/call_export_{at.astimezone(UTC):%Y%m%dT%H%M%SZ}.jsonl"
