"""Files in a folder of this machine: folders 0700, files 0600, each replaced in one move."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from include.clients.storage.base import checked_key
from include.domain.errors import ErrorCode, NotConfigured, Permanent, Temporary

_PARTIAL = ".partial-"  # hidden by the dot; no key's name starts with one


class LocalStorage:
    """`root` is made at the first write."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put_bytes(self, key: str, data: bytes, content_type: str) -> None:  # noqa: ARG002  a folder keeps no types
        self._write(key, lambda out: out.write(data))

    def put_file(self, key: str, path: Path, content_type: str) -> None:  # noqa: ARG002
        with path.open("rb") as source:
            self._write(key, lambda out: shutil.copyfileobj(source, out, 1 << 20))

    def get_bytes(self, key: str) -> bytes:
        with self.as_file(key) as path:
            return path.read_bytes()

    @contextmanager
    def as_file(self, key: str) -> Iterator[Path]:
        path = self._path(key)
        if not path.is_file():
            raise Permanent(f"the storage has no file {key}", code=ErrorCode.STORAGE_FAILED)
        yield path

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def copy(self, source: str, target: str) -> None:
        with self.as_file(source) as path:
            self.put_file(target, path, "")

    def delete(self, key: str) -> None:
        with _our_errors(key):
            self._path(key).unlink(missing_ok=True)

    def keys(self, prefix: str) -> Iterator[str]:
        folder = self._path(prefix)
        files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(_PARTIAL))
        yield from sorted(path.relative_to(self._root).as_posix() for path in files)

    def check(self) -> None:
        probe = f"check-{uuid4().hex}"
        try:
            self.put_bytes(probe, b"", "")
            self.delete(probe)
        except Temporary as error:
            raise NotConfigured(f"LOCAL_STORAGE_DIR {self._root} cannot be written to: {error}") from None

    def location(self, key: str) -> str:
        return str(self._path(key))

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)

    def _write(self, key: str, fill: Callable[[BinaryIO], object]) -> None:
        """Into a hidden file beside the target, flushed to disk, then moved in one step."""
        target = self._path(key)
        with _our_errors(key):
            self._make_folder(target.parent)
            partial = target.with_name(f"{_PARTIAL}{uuid4().hex}")
            try:
                with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                    fill(out)
                    out.flush()
                    os.fsync(out.fileno())
                partial.replace(target)
            finally:
                with suppress(OSError):
                    partial.unlink(missing_ok=True)

    def _make_folder(self, folder: Path) -> None:
        """mkdir's mode counts for the last folder only, so each missing parent is made by itself."""
        missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
        for parent in reversed(missing):
            parent.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def _our_errors(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Temporary(
            f"{key} could not be written: {error.strerror or type(error).__name__}", code=ErrorCode.STORAGE_FAILED
        ) from None
