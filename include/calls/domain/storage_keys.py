"""Storage keys. An id from outside becomes a file name that every file system reads the same, and back.

The two usual kinds of call ids stay as they are. Everything else that is not a plain small letter, digit, dot or
hyphen is percent-encoded: letters too, where they are not of the id's usual case, so that two ids never meet on a file
system that ignores case. `_` is encoded because it joins the parts of a name.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Self
from urllib.parse import unquote_to_bytes
from uuid import UUID

from include.common.periods import Period

MAX_NAME_BYTES = 116  # two of them, "call_", "_", "_at32767" and ".json" fit into the 255 bytes of a file name
_DIGEST_CHARS = 32
_ENGINE_CHARS = 12
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)", re.IGNORECASE)  # device names of Windows
_VOXIMPLANT = re.compile(r"[0-9a-f]{8,}(?:\.[0-9]+)+")  # 11018129443EB80D.1754478570.11438214
_LAST_SECOND = time(23, 59, 59)
_EXTERNAL = "externalcall."  # externalCall.716f5c2d9a1b...


@lru_cache(maxsize=1024)  # each of a recording's files asks for the same two names
def safe_name(any_id: str) -> str:
    """The id as (part of) a file name: ASCII, at most 116 bytes; two ids never share one, even where case is ignored.

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
class RecordingKeys:
    """The storage keys of one recording's files.

    `file_name` is `recordings.file_name`; `day` is the UTC day of the call.
    """

    file_name: str
    day: date

    @classmethod
    def of(cls, file_name: str, started_at: datetime, *files: str | None) -> Self:
        """The first of `files`, keys that exist already, decides the day: a portal may correct a call later."""
        days = (found for key in files if key and (found := _day_of(key)))
        return cls(file_name, next(days, started_at.astimezone(UTC).date()))

    def raw(self, ext: str) -> str:
        """The audio's key; `ext` is the extension of the real container, without a dot."""
        return self._key("raw", ext)

    @property
    def transcript(self) -> str:
        return self._key("transcripts", "txt")

    @property
    def recognition(self) -> str:
        return self._key("recognition", "json")

    @property
    def peaks(self) -> str:
        """How loud the audio is, for its waveform."""
        return self._key("peaks", "bin")

    @property
    def playable(self) -> str:
        """A copy of the audio that browsers play."""
        return self._key("playable", "ogg")

    def recognition_of(self, engine: str) -> str:
        """What another engine heard of the recording. The names of folders leave the file its whole length."""
        digest = hashlib.sha256(engine.encode()).hexdigest()[:_ENGINE_CHARS]
        return self._key("recognition", "json", f"replay_{digest}/")

    def earlier_recognition(self, transcript_id: int) -> str:
        """The recognition of a text that another engine's has replaced."""
        return self._key("recognition", "json", f"before_{transcript_id}/")

    @property
    def summary(self) -> str:
        return self._key("summary", "md")

    def _key(self, top: str, ext: str, folder: str = "") -> str:
        return f"{top}/{self.day:%Y/%m/%d}/{folder}{self.file_name}.{ext}"


def delivered_key(folder: str, key: str) -> str:
    """The copy of `transcripts/2025/08/01/x.txt` in the folder of a period. Audio keeps the folders of its day."""
    kind, _, rest = key.partition("/")
    name = rest if kind == "raw" else rest.rpartition("/")[2]
    return f"exports/{folder}/{kind}/{name}"


def file_name_of(call_id: str, record_id: str, *, several: bool, portal_id: int) -> str:
    """The name of a recording's files, without folder and extension; unique over all portals.

    `several`: the call has another recording. The first portal's names have no portal in them.
    """
    record = f"_{safe_name(record_id)}" if several else ""
    return f"call_{safe_name(call_id)}{record}{portal_part(portal_id)}"


def portal_part(portal_id: int) -> str:
    """The end of file names of portals after the first; empty for the first."""
    return f"_at{portal_id}" if portal_id > 1 else ""


def _day_of(key: str) -> date | None:
    """The day in `raw/2025/08/06/...`; None for a key of another form."""
    try:
        return datetime.strptime(key.split("/", 1)[1][:10], "%Y/%m/%d").date()  # noqa: DTZ007  a day has no zone
    except (IndexError, ValueError):
        return None


def period_prefix(period: Period) -> str:
    """What every key of the period begins with, its last slash included."""
    return f"exports/{period.folder}/"


def part_of(period: Period, *, end_given: bool, trial: bool) -> str:
    """The end of the names of a run's registry, report and estimate, if the run covers a part of the folder's calls.

    Empty for whole days; `_100000-115959` (UTC) where the period begins within a day or, as a person asked
    (`end_given`), ends within one; `_trial` for the first few recordings only. So a part never replaces the whole.
    """
    whole = period.start.time() == time() and (period.end.time() == _LAST_SECOND or not end_given)
    hours = "" if whole else f"_{period.start:%H%M%S}-{period.end:%H%M%S}"
    return f"{hours}_trial" if trial else hours


def registry_key(period: Period, part: str = "", suffix: str = ".csv") -> str:
    """`part` is the run's (`part_of`, then `portal_part`), here and below; `suffix` is `.csv` or `.xlsx`."""
    return f"{period_prefix(period)}registry/calls_{period.folder}{part}{suffix}"


def report_key(period: Period, suffix: str, part: str = "") -> str:
    """`suffix` is `.md`, `.pdf`, or `_<picture>.png`."""
    return f"{period_prefix(period)}reports/summary_{period.folder}{part}{suffix}"


def estimate_key(period: Period, part: str = "") -> str:
    return f"{period_prefix(period)}reports/estimate_{period.folder}{part}.md"


def erasure_key(erasure_id: UUID, name: str) -> str:
    """A document of an erasure on a person's demand: its proof or its tombstones."""
    return f"erasures/{erasure_id}/{name}"


def log_key(period: Period, at: datetime, run_id: UUID) -> str:
    """`at` is the run's start, with an offset. The id keeps two runs of one second apart."""
    return f"{period_prefix(period)}logs/call_export_{at.astimezone(UTC):%Y%m%dT%H%M%SZ}_{run_id}.jsonl"
