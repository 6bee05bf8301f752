"""Storage of files by key; what both kinds promise. Keys use `/` and are relative to the storage's root."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from include.domain.errors import ErrorCode, Permanent


class Storage(Protocol):
    """A file is visible whole or not at all, and only its owner can read it.

    Raises Temporary(storage_failed) for what may pass, Permanent(storage_failed) for a file that is not there.
    """

    def put_bytes(self, key: str, data: bytes, content_type: str) -> None: ...

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        """`path` stays the caller's."""

    def get_bytes(self, key: str) -> bytes: ...

    def as_file(self, key: str) -> AbstractContextManager[Path]:
        """The file to read while the context lasts: the file itself, or a temporary copy."""

    def exists(self, key: str) -> bool: ...

    def copy(self, source: str, target: str) -> None: ...

    def delete(self, key: str) -> None:
        """No error where there is nothing to delete."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys below the folder `prefix`, in order."""

    def check(self) -> None:
        """Raises NotConfigured where files cannot be written."""

    def location(self, key: str) -> str:
        """For people: where the file is."""


def checked_key(key: str) -> str:
    """Refuses what could leave the storage's root; such a key is a bug or an attack, never a file."""
    parts = key.split("/")
    if not key or "\0" in key or "\\" in key or any(part in ("", ".", "..") for part in parts):
        raise Permanent(f"{key!r} is no key of the storage", code=ErrorCode.STORAGE_FAILED)
    return key
