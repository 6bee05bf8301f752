"""The storage of audio, texts and reports: one interface, two implementations (ADR 0002)."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Protocol

from include.common.errors import ErrorCode, ExportError, Permanent, Temporary

TEMPORARY_PREFIX = ".unfinished-"  # no part of a key may begin with it: such files are not complete yet

CopyFailure = Permanent | Temporary


class KeepingRule(StrEnum):
    """What a storage does with deleted data by its own rules, against what `erase_all` promises or a policy says."""

    OBJECT_LOCK = "object_lock"  # versions cannot be erased until their lock ends
    EXPIRES_BY_ITSELF = "expires_by_itself"  # a lifecycle rule deletes objects
    NOT_KNOWN = "not_known"  # the access key may not ask


@dataclass(frozen=True, slots=True)
class StoredObject:
    """`stamp` changes with the content: the file's time in a folder, the ETag in a bucket. `written_at` is UTC."""

    key: str
    bytes: int
    stamp: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Encryption:
    """How a storage encrypts, as far as it says so: the algorithm, empty if it names none, and the id of its key.

    `written`: an object that was stored as all of ours are. `by_itself`: what the bucket does to objects that ask for
    nothing; None where the server does not answer that, or the access key may not ask.
    """

    written: str
    key: str = ""
    by_itself: str | None = None


class Storage(Protocol):
    """Keys are relative, with `/`, as in `include/calls/domain/storage_keys.py`; a key that climbs out is a ValueError.

    A missing object is Permanent(storage_failed), a failure that may pass is Temporary(storage_failed). A refused
    access key or a missing bucket is NotConfigured.
    """

    SHARED: ClassVar[bool] = False  # whether several installations often use one place

    def put_bytes(self, key: str, data: bytes, content_type: str) -> None:
        """Visible completely or not at all; replaces an existing object."""

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        """The same for a file of any size, which may be moved away."""

    def get_bytes(self, key: str) -> bytes: ...

    def size_of(self, key: str) -> int:
        """In bytes."""

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """At most `length` bytes from the byte `start` on; fewer at the end of the object."""

    def as_file(self, key: str) -> AbstractContextManager[Path]:
        """A local file to read while the block lasts: the stored one itself or a temporary copy."""

    def exists(self, key: str) -> bool: ...

    def copy_all(self, pairs: Sequence[tuple[str, str]]) -> list[CopyFailure | None]:
        """Copies each source to its target; returns in the same order None or the reason why it was not copied.

        Many at once are far quicker than one by one. A copy survives a power cut, as an object that was put does.
        """

    def delete(self, key: str) -> None:
        """Does nothing if the object does not exist."""

    def erase_all(self, keys: Sequence[str]) -> list[ExportError | None]:
        """Deletes for good, the kept versions of an object too; a missing object counts as erased.

        Returns in the order of `keys` None or the reason why one was not erased.
        """

    def erase_earlier(self, keys: Sequence[str]) -> list[ExportError | None]:
        """Deletes for good what was stored under the keys before; the objects themselves stay. Returns as above."""

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys that begin with `prefix`, in no promised order."""

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """The objects whose key begins with `prefix`, in the order of their keys' bytes."""

    def free_bytes(self) -> int | None:
        """How much more fits; None where that is not known, as in a bucket."""

    def keeping_rules(self) -> dict[KeepingRule, int | None]:
        """Rules of the storage itself that keep or delete objects, with their days if they have any."""

    def check(self) -> None:
        """Writes, reads and deletes a trial object; raises NotConfigured with one sentence if that fails."""

    def encryption(self) -> Encryption | None:
        """Stores, looks at and deletes a trial object; None for a folder, where the disk decides. Raises as `check`."""

    def location(self, key: str) -> str:
        """The place of the object, for people."""


def checked_key(key: str) -> str:
    """The key itself; ValueError for one that is empty, absolute, climbs out or names an unfinished file."""
    parts = key.split("/")
    bad = any(part in ("", ".", "..") or part.startswith(TEMPORARY_PREFIX) for part in parts)
    if bad or "\0" in key or "\\" in key:
        raise ValueError(f"not a key of the storage: {key!r}")
    return key


def no_such_object(key: str) -> Permanent:
    return Permanent(f"the storage has no {key}", code=ErrorCode.STORAGE_FAILED)


def storage_failure(key: str, reason: str) -> Temporary:
    return Temporary(f"the storage failed on {key}: {reason}", code=ErrorCode.STORAGE_FAILED)
