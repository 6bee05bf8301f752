"""A storage in which every object is encrypted before it leaves this machine."""

from collections.abc import Iterator
from io import BytesIO
from typing import IO, Any

from include.clients.storage.base import Storage, StoredObject
from include.common.sealing import Seal, Sealed, digest_of, refused
from include.common.temporary_folders import temporary_folder

_CONTENT_TYPE = "application/octet-stream"


class SealedStorage:
    """Keys are those of the storage beneath. Objects are written through a temporary file: one of any size fits."""

    def __init__(self, storage: Storage, key: str) -> None:
        self._storage, self._seal = storage, Seal(key)

    def put(self, key: str, plain: IO[bytes]) -> Sealed:
        """Stores what `plain` yields; visible only when it is whole."""
        with temporary_folder() as folder:
            path = folder / "sealed"
            with path.open("wb") as file:
                sealed = self._seal.close(plain, file)
            self._storage.put_file(key, path, _CONTENT_TYPE)
        return sealed

    def put_bytes(self, key: str, plain: bytes) -> Sealed:
        return self.put(key, BytesIO(plain))

    def get_bytes(self, key: str, expected: Sealed | None = None) -> bytes:
        plain = BytesIO()
        self.read(key, plain, expected)
        return plain.getvalue()

    def read(self, key: str, plain: IO[bytes] | Any, expected: Sealed | None = None) -> None:
        """Decrypts the object into `plain`. Where `expected` is given, nothing is written before the object equals it.

        Raises Permanent for an object that is missing, was changed or cut off.
        """
        with self._storage.as_file(key) as path, path.open("rb") as file:
            if expected is not None and digest_of(file) != expected:
                raise refused(self.location(key))
            file.seek(0)
            self._seal.open(file, plain, self.location(key))

    def check(self, key: str, expected: Sealed) -> None:
        """Raises Permanent unless the object is there as it was written."""
        self.read(key, _Nowhere(), expected)

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        return self._storage.objects(prefix)

    def mark(self, key: str) -> None:
        """An object without content."""
        self._storage.put_bytes(key, b"", _CONTENT_TYPE)

    def delete(self, key: str) -> None:
        self._storage.delete(key)

    def free_bytes(self) -> int | None:
        return self._storage.free_bytes()

    def location(self, key: str) -> str:
        return self._storage.location(key)


class _Nowhere:
    def write(self, block: bytes) -> int:
        return len(block)

    def flush(self) -> None: ...
