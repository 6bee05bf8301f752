"""A folder of a storage as a storage of its own."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from include.clients.storage.base import CopyFailure, Encryption, KeepingRule, Storage, StoredObject
from include.common.errors import ExportError


class PrefixedStorage:
    """Every key is inside `folder`, which has no `/` at its ends."""

    SHARED: ClassVar[bool] = False  # the folder is one step's own

    def __init__(self, storage: Storage, folder: str) -> None:
        self._storage, self._folder = storage, f"{folder}/"

    def put_bytes(self, key: str, data: bytes, content_type: str) -> None:
        self._storage.put_bytes(self._folder + key, data, content_type)

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        self._storage.put_file(self._folder + key, path, content_type)

    def get_bytes(self, key: str) -> bytes:
        return self._storage.get_bytes(self._folder + key)

    def size_of(self, key: str) -> int:
        return self._storage.size_of(self._folder + key)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        return self._storage.get_range(self._folder + key, start, length)

    def as_file(self, key: str) -> AbstractContextManager[Path]:
        return self._storage.as_file(self._folder + key)

    def exists(self, key: str) -> bool:
        return self._storage.exists(self._folder + key)

    def copy_all(self, pairs: Sequence[tuple[str, str]]) -> list[CopyFailure | None]:
        return self._storage.copy_all([(self._folder + source, self._folder + target) for source, target in pairs])

    def delete(self, key: str) -> None:
        self._storage.delete(self._folder + key)

    def erase_all(self, keys: Sequence[str]) -> list[ExportError | None]:
        return self._storage.erase_all([self._folder + key for key in keys])

    def erase_earlier(self, keys: Sequence[str]) -> list[ExportError | None]:
        return self._storage.erase_earlier([self._folder + key for key in keys])

    def keys(self, prefix: str) -> Iterator[str]:
        return (key.removeprefix(self._folder) for key in self._storage.keys(self._folder + prefix))

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        found = self._storage.objects(self._folder + prefix)
        return (replace(one, key=one.key.removeprefix(self._folder)) for one in found)

    def free_bytes(self) -> int | None:
        return self._storage.free_bytes()

    def keeping_rules(self) -> dict[KeepingRule, int | None]:
        return self._storage.keeping_rules()

    def check(self) -> None:
        self._storage.check()

    def encryption(self) -> Encryption | None:
        return self._storage.encryption()

    def location(self, key: str) -> str:
        return self._storage.location(self._folder + key)
