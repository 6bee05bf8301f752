"""Files of the storage in packs: a few hundred megabytes in one sealed tar archive, of one top folder each.

Small files one by one would cost a request and a flush each. A pack has files of one class only, so it becomes
unnecessary together with them. Each member carries the SHA-256 of its content.
"""

import gzip
import hashlib
import json
import secrets
import tarfile
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from include.calls.domain.backup_contents import FileEntry, SealedPart, backup_id_of, compared
from include.calls.steps.backup_place import FILES, PACKS, BackupPlace, part_of, sealed
from include.clients.storage.base import Storage
from include.common.errors import Permanent
from include.common.sealing import refused
from include.common.temporary_folders import temporary_folder

PACK_BYTES = 256 * 1024 * 1024
PACK_FILES = 10_000  # an archive that is being written remembers every member
_SUM = "CALL_EXPORT.sha256"
_BLOCK = 1 << 20
_AUDIO, _STORED, _QUICK = "raw", 0, 1  # gzip levels: audio gains nothing, texts most of it with the quickest
_WRITES_AT_ONCE = 8  # each waits for the disk, or for the bucket


class Packer:
    """Collects files and stores a pack whenever it is full. `with` stores the last ones."""

    def __init__(self, place: BackupPlace, storage: Storage, now: datetime, pack_bytes: int = PACK_BYTES) -> None:
        self._place, self._storage, self._now, self._pack_bytes = place, storage, now, pack_bytes
        self._top = ""
        self._open: _OpenPack | None = None
        self._stack = ExitStack()
        self.packs: dict[str, SealedPart] = {}
        self.added = self.gone = 0

    def add(self, file: FileEntry) -> FileEntry | None:
        """The file with its pack; None if it was deleted since it was listed."""
        top = file.key.partition("/")[0]
        if self._open and (top != self._top or self._open.is_full(self._pack_bytes)):
            self.store()
        if self._open is None:
            pack = backup_id_of(self._now, secrets.token_hex(3))
            self._top, self._open = top, self._stack.enter_context(_opened(pack, top))
        try:
            with self._storage.as_file(file.key) as path, path.open("rb") as content:
                self._open.add(file.key, content)
        except (Permanent, FileNotFoundError):
            self.gone += 1
            return None
        self.added += 1
        return replace(file, pack=self._open.pack)

    def store(self) -> None:
        if self._open is None:
            return
        plain = self._open.finished()
        self.packs[self._open.pack] = part_of(self._place.storage.put(_key(self._open.pack), plain))
        self._stack.close()
        self._open = None

    def __enter__(self) -> "Packer":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.store()
        self._stack.close()


class _OpenPack:
    def __init__(self, pack: str, file: IO[bytes], *, level: int) -> None:
        self.pack, self._file = pack, file
        self._gzip = gzip.GzipFile(fileobj=file, mode="wb", compresslevel=level, mtime=0)
        self._tar = tarfile.open(fileobj=self._gzip, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self.bytes = self.files = 0

    def is_full(self, pack_bytes: int) -> bool:
        return self.bytes >= pack_bytes or self.files >= PACK_FILES

    def add(self, key: str, content: IO[bytes]) -> None:
        member = tarfile.TarInfo(key)
        member.mode = 0o600
        member.size, member.pax_headers = _measured(content)
        content.seek(0)
        self._tar.addfile(member, content)
        self.bytes += member.size
        self.files += 1

    def finished(self) -> IO[bytes]:
        self._tar.close()
        self._gzip.close()
        self._file.seek(0)
        return self._file


@contextmanager
def _opened(pack: str, top: str) -> Iterator[_OpenPack]:
    with TemporaryFile() as file:
        yield _OpenPack(pack, file, level=_STORED if top == _AUDIO else _QUICK)


def _measured(content: IO[bytes]) -> tuple[int, dict[str, str]]:
    digest, size = hashlib.sha256(), 0
    while block := content.read(_BLOCK):
        digest.update(block)
        size += len(block)
    return size, {_SUM: digest.hexdigest()}


def back_up_files(
    storage: Storage, packer: Packer, known: Iterable[FileEntry], catalogue: IO[bytes], used: set[str]
) -> int:
    """Packs the files that no earlier pack has as they are, and writes the catalogue of all; returns their number.

    `used` receives the packs that the catalogue names.
    """
    present = (FileEntry(one.key, one.bytes, one.stamp) for one in storage.objects(""))
    files = 0
    with gzip.GzipFile(fileobj=catalogue, mode="wb", compresslevel=_QUICK, mtime=0) as packed:
        for file, is_known in compared(known, present):
            entry = file if is_known else packer.add(file)
            if entry is not None:
                files += 1
                used.add(entry.pack)
                packed.write(json.dumps([entry.key, entry.bytes, entry.stamp, entry.pack]).encode() + b"\n")
    return files


@contextmanager
def catalogue_of(place: BackupPlace, backup_id: str, part: SealedPart) -> Iterator[Iterator[FileEntry]]:
    """The files of a backup in the order of their keys, read as they are needed. Raises Permanent if it is damaged."""
    with TemporaryFile() as plain:
        place.storage.read(place.key(backup_id, FILES), plain, sealed(part))
        plain.seek(0)
        with gzip.GzipFile(fileobj=plain) as lines:
            yield (FileEntry(*json.loads(line)) for line in lines)


def read_pack(place: BackupPlace, pack: str, part: SealedPart, use: Callable[[str, IO[bytes], str], None]) -> int:
    """Gives `use` each file: its key, its content and the SHA-256 it must have; returns how many there are.

    Raises Permanent before the first one if the pack was changed or cut off.
    """
    files = 0
    with TemporaryFile() as plain:
        place.storage.read(_key(pack), plain, sealed(part))
        plain.seek(0)
        with gzip.GzipFile(fileobj=plain) as packed, tarfile.open(fileobj=packed, mode="r|") as tar:
            while (member := tar.next()) is not None:
                content = tar.extractfile(member)
                assert content is not None
                use(member.name, content, member.pax_headers[_SUM])
                files += 1
    return files


def check_pack(place: BackupPlace, pack: str, part: SealedPart) -> int:
    """Reads every file of the pack; returns how many there are. Raises Permanent if one is not as it was."""

    def compare(key: str, content: IO[bytes], expected: str) -> None:
        if _measured(content)[1][_SUM] != expected:
            raise refused(f"{pack}: {key}")

    return read_pack(place, pack, part, compare)


def restore_pack(place: BackupPlace, pack: str, part: SealedPart, wanted: Container[str], storage: Storage) -> int:
    """Writes the wanted files of the pack to the storage; returns how many."""
    writing: deque[Future[None]] = deque()
    restored = 0
    with temporary_folder() as folder, ThreadPoolExecutor(_WRITES_AT_ONCE) as pool:

        def write(key: str, content: IO[bytes], expected: str) -> None:
            nonlocal restored
            if key not in wanted:
                return
            path = folder / f"{restored}{Path(key).suffix}"
            if _copied(content, path) != expected:
                raise refused(f"{pack}: {key}")
            if len(writing) == 2 * _WRITES_AT_ONCE:
                writing.popleft().result()
            writing.append(pool.submit(storage.put_file, key, path, "application/octet-stream"))
            restored += 1

        read_pack(place, pack, part, write)
        for one in writing:
            one.result()
    return restored


def _copied(content: IO[bytes], path: Path) -> str:
    """The SHA-256 of what was written to `path`."""
    digest = hashlib.sha256()
    with path.open("wb") as out:
        while block := content.read(_BLOCK):
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def missing_files(entries: Iterable[FileEntry], storage: Storage) -> dict[str, set[str]]:
    """Keys that the storage lacks, by the pack that has them. A file that is there stays as it is."""
    present = (FileEntry(one.key, one.bytes, one.stamp) for one in storage.objects(""))
    there = next(present, None)
    found: dict[str, set[str]] = {}
    for entry in entries:
        while there is not None and there.key.encode() < entry.key.encode():
            there = next(present, None)
        if there is None or there.key != entry.key:
            found.setdefault(entry.pack, set()).add(entry.key)
    return found


def _key(pack: str) -> str:
    return f"{PACKS}{pack}.age"
