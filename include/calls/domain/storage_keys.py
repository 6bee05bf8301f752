"""Names of files: an id from a stranger becomes a name that no file system misreads, and the other way round (D30).

The two usual kinds of call ids stay as they are. Everything else that is not a plain small letter, digit, dot or
hyphen is percent-encoded: letters too, where they are not of the id's usual case, so that two ids never meet on a file
system that ignores case. `_` is encoded because it joins the parts of a name.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from include.common.periods import Period

MAX_NAME_BYTES = 120  # two of them, "call_", "_" and an extension fit into the 255 bytes of a file name
_DIGEST_CHARS = 32
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)", re.IGNORECASE)  # device names of Windows
_VOXIMPLANT = re.compile(r"[0-9a-f]{8,}(?:\.[0-9]+)+")  # 11018129443EB80D.1754478570.11438214
_LAST_SECOND = time(23, 59, 59)
_EXTERNAL = "externalcall."  # externalCall.716f5c2d9a1b...


@lru_cache(maxsize=1024)  # each of a recording's files asks for the same two names
def safe_name(any_id: str) -> str:
    """The id as (part of) a file name: ASCII, at most 120 bytes; two ids never share one, even where case is ignored.

    An id too long for that keeps its beginning and gets `~` and a hash; the whole id is in the transcript's header and
    in the registry.
    """
    name = _encoded(any_id)
    if len(name) <= MAX_NAME_BYTES:
        return name
    digest = hashlib.sha256(any_id.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARS]
    beginning = name[: MAX_NAME_BYTES - _DIGEST_CHARS - 1]
    return f"{re.sub(r'%[0-9A-F]?$', '', beginning)}~{digest}"


def original_id(name: str) -> str:
    """The id that `safe_name` made this name of; ValueError for a shortened one, whose id only the registry knows."""
    if "~" in name:
        raise ValueError(f"the name {name!r} is shortened: its id is in the transcript's header and in the registry")
    return unquote_to_bytes(name).decode("utf-8", "surrogatepass")


def _encoded(any_id: str) -> str:
    usual = _usual_case(any_id)
    characters = [
        char if char in _PLAIN and char == usual_char else _percent(char)
        for char, usual_char in zip(any_id, usual, strict=True)
    ]
    if _RESERVED.match(any_id) or any_id.startswith("."):
        characters[0] = _percent(any_id[0])
    if any_id.endswith("."):  # Windows drops it
        characters[-1] = _percent(".")
    return "".join(characters)


def _usual_case(any_id: str) -> str:
    """The id in the one spelling that stays readable, the same for all ids that differ in case only."""
    small = "".join(char.lower() if char.isascii() else char for char in any_id)
    if _VOXIMPLANT.fullmatch(small):
        return small.upper()
    if small.startswith(_EXTERNAL):
        return "externalCall." + small[len(_EXTERNAL) :]
    return small


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True)
class RecordKeys:
    """The storage keys of one recording's files. `several`: its call has more than one recording."""

    period: Period
    call_id: str
    record_id: str
    started_at: datetime
    several: bool

    def raw(self, ext: str) -> str:
        """The audio's key; `ext` is the real container's, without a dot."""
        return self._key(f"raw/{self.started_at.astimezone(UTC):%Y/%m/%d}", ext)

    @property
    def transcript(self) -> str:
        return self._key("transcripts", "txt")

    @property
    def recognition(self) -> str:
        return self._key("recognition", "json")

    @property
    def summary(self) -> str:
        return self._key("summary", "md")

    def _key(self, folder: str, ext: str) -> str:
        record = f"_{safe_name(self.record_id)}" if self.several else ""
        return f"{period_prefix(self.period)}{folder}/call_{safe_name(self.call_id)}{record}.{ext}"


def period_prefix(period: Period) -> str:
    """What every key of the period begins with, its last slash included."""
    return f"exports/{period.folder}/"


def part_of(period: Period, *, end_given: bool, trial: bool) -> str:
    """What the names of a run's registry, report and estimate end with where it is about a part of the folder's calls.

    Empty for whole days; `_100000-115959` (UTC) where the period begins within a day or, as a person asked
    (`end_given`), ends within one; `_trial` for the first few recordings only. So no part takes the whole's place.
    """
    whole = period.start.time() == time() and (period.end.time() == _LAST_SECOND or not end_given)
    hours = "" if whole else f"_{period.start:%H%M%S}-{period.end:%H%M%S}"
    return f"{hours}_trial" if trial else hours


def registry_key(period: Period, part: str = "", suffix: str = ".csv") -> str:
    """`part` is `part_of`'s, here and below; `suffix` is `.csv` or `.xlsx`."""
    return f"{period_prefix(period)}registry/calls_{period.folder}{part}{suffix}"


def report_key(period: Period, suffix: str, part: str = "") -> str:
    """`suffix` is `.md`, `.pdf`, or `_<picture>.png`."""
    return f"{period_prefix(period)}reports/summary_{period.folder}{part}{suffix}"


def estimate_key(period: Period, part: str = "") -> str:
    return f"{period_prefix(period)}reports/estimate_{period.folder}{part}.md"


def log_key(period: Period, at: datetime) -> str:
    """`at` is when the log was written, with an offset."""
    return f"{period_prefix(period)}logs/call_export_{at.astimezone(UTC):%Y%m%dT%H%M%SZ}.jsonl"
