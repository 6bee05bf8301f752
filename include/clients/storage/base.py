"""Where audio, texts and reports live: one interface, two places (docs/adr/0002-storage-interface.md)."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from include.common.errors import ErrorCode, Permanent, Temporary

TEMPORARY_PREFIX = ".unfinished-"  # no key's part may begin with it: such files are not there yet

CopyFailure = Permanent | Temporary


class Storage(Protocol):
    """Keys are relative, with `/`, as in `include/calls/domain/storage_keys.py`; a key that climbs out is a ValueError.

    An object that is not there is Permanent(storage_failed), what may pass is Temporary(storage_failed). A refused key
    or a missing bucket is NotConfigured.
    """

    def put_bytes(self, key: str, data: bytes, content_type: str) -> None:
        """Visible whole or not at all; what was there before is replaced."""

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        """The same for a file of any size, which may be moved away."""

    def get_bytes(self, key: str) -> bytes: ...

    def as_file(self, key: str) -> AbstractContextManager[Path]:
        """A local file to read while the block lasts: the stored one itself or a temporary copy."""

    def exists(self, key: str) -> bool: ...

    def copy_all(self, pairs: Sequence[tuple[str, str]]) -> list[CopyFailure | None]:
        """Copies each source to its target; tells in the same order what was not copied, and why.

        Many at once are far quicker than one by one. What was copied outlives a power cut, as what was put does.
        """

    def delete(self, key: str) -> None:
        """What is not there is deleted already."""

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys that begin with `prefix`, in no promised order."""

    def check(self) -> None:
        """Writes, reads and deletes a trial object; raises NotConfigured with one sentence where that cannot work."""

    def location(self, key: str) -> str:
        """For people: where to look for the object."""


def checked_key(key: str) -> str:
    """The key itself; ValueError for one that is empty, absolute, climbs out or hides among unfinished files."""
    parts = key.split("/")
    bad = any(part in ("", ".", "..") or part.startswith(TEMPORARY_PREFIX) for part in parts)
    if bad or "\0" in key or "\\" in key:
        raise ValueError(f"not a key of the storage: {key!r}")
    return key


def not_there(key: str) -> Permanent:
    return Permanent(f"the storage has no {key}", code=ErrorCode.STORAGE_FAILED)


def did_not_work(key: str, reason: str) -> Temporary:
    return Temporary(f"the storage did not do its work on {key}: {reason}", code=ErrorCode.STORAGE_FAILED)
