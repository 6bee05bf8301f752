"""What a backup says of itself: its manifest, its id, and the list of the storage's files."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from include.common.errors import BadInput

_ID = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{6}")
_STAMP = "%Y%m%dT%H%M%SZ"
LATEST = "latest"


class BackupReason(StrEnum):
    SCHEDULE = "schedule"
    MIGRATION = "migration"
    HAND = "hand"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SealedPart(_Part):
    """One object at the place: its size and SHA-256, as it lies there."""

    bytes: int
    sha256: str


class TableFigures(_Part):
    rows: int
    digest: str


class DatabasePart(_Part):
    """`version` is the schema's; `seconds` of the dump."""

    object: SealedPart
    version: str
    tables: dict[str, TableFigures]
    seconds: float


class FilesPart(_Part):
    """`catalogue` lists all files; `packs` hold them, most from earlier backups. `added` came with this one."""

    catalogue: SealedPart
    packs: dict[str, SealedPart]
    files: int
    added: int
    added_bytes: int
    gone: int = 0


class Manifest(_Part):
    """Written last: a folder without it is no backup."""

    form: Literal[1] = 1
    backup_id: str
    reason: BackupReason
    made_at: datetime
    seconds: float
    databases: dict[str, DatabasePart]
    settings: SealedPart
    files: FilesPart | None

    @property
    def bytes(self) -> int:
        """What this backup has added to the place, packs included."""
        added = self.files.added_bytes + self.files.catalogue.bytes if self.files else 0
        return added + self.settings.bytes + sum(one.object.bytes for one in self.databases.values())


def backup_id_of(made_at: datetime, random: str) -> str:
    """`random` is six hexadecimal digits: two backups of one second are two."""
    return f"{made_at.astimezone(UTC).strftime(_STAMP)}-{random}"


def made_at_of(backup_id: str) -> datetime:
    """Raises BadInput for what is no id of a backup, or of a pack, whose id is made alike."""
    found = _ID.fullmatch(backup_id)
    if found is None:
        raise BadInput(f"{backup_id!r} is no id of a backup", problem="no_backup_id", backup_id=backup_id)
    return datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of the storage; `stamp` is the storage's word for this content, `pack` where the backup has it."""

    key: str
    bytes: int
    stamp: str
    pack: str = ""


def compared(known: Iterable[FileEntry], present: Iterable[FileEntry]) -> Iterator[tuple[FileEntry, bool]]:
    """Each present file, and whether a pack has it as it is. Both in the order of their keys' bytes."""
    before = iter(known)
    candidate = next(before, None)
    for file in present:
        while candidate is not None and candidate.key.encode() < file.key.encode():
            candidate = next(before, None)
        if candidate is not None and (candidate.key, candidate.bytes, candidate.stamp) == (
            file.key,
            file.bytes,
            file.stamp,
        ):
            yield candidate, True
        else:
            yield file, False


def differing(expected: Mapping[str, TableFigures], found: Mapping[str, TableFigures]) -> list[str]:
    """Names of the tables that are not the same, missing or additional ones too."""
    return sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
