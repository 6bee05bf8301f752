"""A folder as the storage: folders 0700, files 0600. A file gets its name only when it is whole.

Unfinished files lie in the top-level folder of their key (`raw/`, `exports/`): the same file system as their target,
and few places to look for what killed writers left.
"""

import ctypes
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from include.clients.storage.base import (
    TEMPORARY_PREFIX,
    CopyFailure,
    Encryption,
    KeepingRule,
    Storage,
    StoredObject,
    checked_key,
    no_such_object,
    storage_failure,
)
from include.common.errors import ExportError, NotConfigured, Permanent, Temporary

_FLUSHED_TOGETHER = 10  # for fewer files, a flush of the whole file system may wait for the writes of other processes
_STALE_SEC = 24 * 3600  # the writer of an unfinished file this old is dead


class LocalStorage(Storage):
    """`clock` gives seconds since 1970, as file times do."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self._root = root
        self._clock = clock

    def put_bytes(self, key: str, data: bytes, content_type: str) -> None:  # noqa: ARG002  a folder keeps no content types
        with self._unfinished(key) as unfinished:
            unfinished.write_bytes(data)

    def put_file(self, key: str, path: Path, content_type: str) -> None:  # noqa: ARG002
        with self._unfinished(key) as unfinished:
            shutil.move(path, unfinished)  # a rename on the same file system, a copy from another one

    def get_bytes(self, key: str) -> bytes:
        with _translated_errors(key):
            return self._path(key).read_bytes()

    def size_of(self, key: str) -> int:
        with _translated_errors(key):
            return self._path(key).stat().st_size

    def get_range(self, key: str, start: int, length: int) -> bytes:
        with _translated_errors(key), self._path(key).open("rb") as file:
            file.seek(start)
            return file.read(length)

    @contextmanager
    def as_file(self, key: str) -> Iterator[Path]:
        path = self._path(key)
        if not path.is_file():
            raise no_such_object(key)
        yield path

    def exists(self, key: str) -> bool:
        with _translated_errors(key):
            return self._path(key).is_file()

    def copy_all(self, pairs: Sequence[tuple[str, str]]) -> list[CopyFailure | None]:
        """Copies, not links: an edit of a delivered text in place must not change the stored one."""
        copies = [
            _Copy(source, self._path(source), self._path(target), self._unfinished_name(target))
            for source, target in pairs
        ]
        with _folders_kept_open() as folders:
            try:
                few = len(copies) < _FLUSHED_TOGETHER
                for copy in copies:
                    copy.attempt(partial(copy.write, folders, flush=few))
                if not few:
                    with _translated_errors("copies"):
                        _flush_file_systems(folders.values())
                for copy in copies:
                    copy.attempt(copy.rename)
                with _translated_errors("copies"):
                    for folder in folders.values():
                        os.fsync(folder)
            finally:
                for copy in copies:
                    copy.forget()
        return [copy.failure for copy in copies]

    def delete(self, key: str) -> None:
        with _translated_errors(key):
            self._path(key).unlink(missing_ok=True)

    def erase_all(self, keys: Sequence[str]) -> list[ExportError | None]:
        return [self._erase_failure(key) for key in keys]

    def erase_earlier(self, keys: Sequence[str]) -> list[ExportError | None]:
        return [None for _ in keys]  # a file that is replaced is gone

    def keys(self, prefix: str) -> Iterator[str]:
        top = self._root / prefix.rpartition("/")[0]
        for folder, _, names in os.walk(top):
            inside = Path(folder).relative_to(self._root).as_posix()
            for name in names:
                key = f"{inside}/{name}".removeprefix("./")
                if key.startswith(prefix) and not name.startswith(TEMPORARY_PREFIX):
                    yield key

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        with _translated_errors(prefix):
            yield from _objects_in_order(self._root, "", prefix)

    def free_bytes(self) -> int | None:
        return free_bytes_of(self._root)

    def keeping_rules(self) -> dict[KeepingRule, int | None]:
        return {}

    def check(self) -> None:
        trial = f"check-{secrets.token_hex(4)}"
        try:
            self.put_bytes(trial, b"trial", "text/plain")
            self.delete(trial)
        except ExportError as error:
            raise NotConfigured(
                f"cannot write to {self._root} (LOCAL_STORAGE_DIR): {error}",
                problem="folder_not_writable",
                folder=self._root,
            ) from None
        self._sweep()

    def encryption(self) -> Encryption | None:
        return None

    def location(self, key: str) -> str:
        return str(self._path(key))

    def _erase_failure(self, key: str) -> ExportError | None:
        try:
            self.delete(key)
        except ExportError as failure:
            return failure
        return None

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)

    @contextmanager
    def _unfinished(self, key: str) -> Iterator[Path]:
        """A name to write to. Renamed to the final one after the data is on the disk, removed if anything fails."""
        path, unfinished = self._path(key), self._unfinished_name(key)
        with _translated_errors(key):
            try:
                _make_folders(path.parent)
                yield unfinished
                unfinished.chmod(0o600)
                _to_disk(unfinished)
                unfinished.replace(path)
                _to_disk(path.parent)
            finally:
                unfinished.unlink(missing_ok=True)

    def _unfinished_name(self, key: str) -> Path:
        top, below, _ = checked_key(key).partition("/")
        folder = self._root / top if below else self._root
        return folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"

    def _sweep(self) -> None:
        """Removes what killed writers left. Its cost does not grow with the number of stored files."""
        for top in [self._root, *(entry for entry in self._root.iterdir() if entry.is_dir())]:
            for path in top.glob(f"{TEMPORARY_PREFIX}*"):
                with suppress(FileNotFoundError):  # another process sweeps as well
                    if self._clock() - path.stat().st_mtime > _STALE_SEC:
                        path.unlink()


def free_bytes_of(folder: Path) -> int:
    """Of the file system on which the folder is, or will be."""
    existing = next(one for one in (folder, *folder.absolute().parents) if one.is_dir())
    return shutil.disk_usage(existing).free


def _objects_in_order(folder: Path, inside: str, prefix: str) -> Iterator[StoredObject]:
    """As a bucket lists them: a folder's place among its neighbours is that of its name with the slash."""
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: os.fsencode(f"{entry.name}/" if entry.is_dir() else entry.name))
    except FileNotFoundError:  # removed meanwhile, or never written to
        return
    for entry in entries:
        key = f"{inside}{entry.name}"
        if entry.is_dir():
            if f"{key}/".startswith(prefix) or prefix.startswith(f"{key}/"):
                yield from _objects_in_order(Path(entry.path), f"{key}/", prefix)
        elif key.startswith(prefix) and not entry.name.startswith(TEMPORARY_PREFIX):
            with suppress(FileNotFoundError):
                found = entry.stat()
                written_at = datetime.fromtimestamp(found.st_mtime, UTC)
                yield StoredObject(key, found.st_size, str(found.st_mtime_ns), written_at)


class _Copy:
    """One of many files: written to `unfinished`, renamed when all of them are on the disk."""

    def __init__(self, key: str, source: Path, target: Path, unfinished: Path) -> None:
        self.failure: CopyFailure | None = None
        self._key = key
        self._source = source
        self._target = target
        self._unfinished = unfinished

    def attempt(self, work: Callable[[], None]) -> None:
        """After a failure nothing more is done for this copy; the others go on."""
        if self.failure:
            return
        try:
            with _translated_errors(self._key):
                work()
        except (Permanent, Temporary) as failure:
            self.failure = failure

    def write(self, folders: dict[Path, int], *, flush: bool) -> None:
        folder = self._target.parent
        if folder not in folders:
            self._source.stat()  # no folder is created for a source that is missing
            _make_folders(folder)
            folders[folder] = os.open(folder, os.O_RDONLY)
        with self._source.open("rb") as source, self._into_folder(), self._unfinished.open("xb") as unfinished:
            shutil.copyfileobj(source, unfinished)
            if flush:
                unfinished.flush()
                os.fsync(unfinished.fileno())
        self._unfinished.chmod(0o600)

    def rename(self) -> None:
        with self._into_folder():
            self._unfinished.replace(self._target)

    @contextmanager
    def _into_folder(self) -> Iterator[None]:
        """A missing target folder was deleted meanwhile: the next try creates it again."""
        try:
            yield
        except FileNotFoundError:
            raise storage_failure(self._target.name, "its folder is gone") from None

    def forget(self) -> None:
        with suppress(OSError):  # invisible, and swept a day later
            self._unfinished.unlink()


@contextmanager
def _folders_kept_open() -> Iterator[dict[Path, int]]:
    """Folders are opened first: only a descriptor that was open at the time of a write reports its fsync error."""
    folders: dict[Path, int] = {}
    try:
        yield folders
    finally:
        for descriptor in folders.values():
            os.close(descriptor)


def _flush_file_systems(folders: Iterable[int]) -> None:
    """One flush for many files: flushing each of them takes ten times as long as copying it."""
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:  # not on Linux
        os.sync()
        return
    for folder in {os.fstat(folder).st_dev: folder for folder in folders}.values():
        if syncfs(folder) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


@contextmanager
def _translated_errors(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise no_such_object(key) from None
    except OSError as error:
        raise storage_failure(key, error.strerror or type(error).__name__) from None


def _make_folders(folder: Path) -> None:
    """Creates each missing folder down to this one, private from the moment it exists whatever the umask is."""
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
