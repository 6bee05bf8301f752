"""The second place: which backups it holds, their manifests, and what belongs to none of them.

`backups/<id>/` has the parts of one backup; `manifest.age` is written last and `verified.age` after a restore was
compared. `packs/` has the storage's files, which later backups share; `damaged/` marks packs that no longer open.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from include.calls.domain.backup_contents import LATEST, Manifest, SealedPart, made_at_of
from include.calls.domain.backup_rotation import kept
from include.clients.storage.base import Storage
from include.clients.storage.sealed import SealedStorage
from include.common.errors import BadInput, ExportError, NotConfigured
from include.common.sealing import Sealed, refused

BACKUPS, PACKS, DAMAGED = "backups/", "packs/", "damaged/"
UNFINISHED_FOR = timedelta(hours=24)  # older parts of no backup are those of a killed process
DATABASES_STAY = timedelta(days=7)  # backups without files, made before migrations
FILES = "files.age"
_MANIFEST, _VERIFIED = "manifest.age", "verified.age"


@dataclass(frozen=True, slots=True)
class Listed:
    """`parts` are the names of its objects."""

    backup_id: str
    parts: set[str] = field(default_factory=set)

    @property
    def finished(self) -> bool:
        return _MANIFEST in self.parts

    @property
    def verified(self) -> bool:
        return self.finished and _VERIFIED in self.parts

    @property
    def has_files(self) -> bool:
        """False for a backup before a migration, which leaves the storage alone."""
        return FILES in self.parts

    @property
    def made_at(self) -> datetime:
        return made_at_of(self.backup_id)


def sealed(part: SealedPart) -> Sealed:
    return Sealed(part.bytes, part.sha256)


def part_of(found: Sealed) -> SealedPart:
    return SealedPart(bytes=found.bytes, sha256=found.sha256)


class BackupPlace:
    def __init__(self, storage: Storage, key: str) -> None:
        """Raises NotConfigured for a text that is no key."""
        self.storage = SealedStorage(storage, key)
        self._check = storage.check

    def check(self) -> None:
        """Raises NotConfigured if the place cannot be written to, read or emptied."""
        self._check()

    def listed(self) -> list[Listed]:
        """Every backup, oldest first, unfinished ones too."""
        found: dict[str, Listed] = {}
        for one in self.storage.objects(BACKUPS):
            backup_id, _, part = one.key.removeprefix(BACKUPS).partition("/")
            found.setdefault(backup_id, Listed(backup_id)).parts.add(part)
        return [found[one] for one in sorted(found)]

    def last_with_files(self, before: datetime | None = None) -> Manifest | None:
        """The newest finished backup that lists the storage's files, up to `before`."""
        for one in reversed(self.listed()):
            if one.finished and one.has_files and (before is None or one.made_at <= before):
                return self.manifest(one.backup_id)
        return None

    def resolve(self, asked: str) -> str:
        """The id that a person meant; `latest` is the newest verified one. Raises BadInput if there is none."""
        known = [one for one in self.listed() if one.finished]
        if asked == LATEST:
            verified = [one.backup_id for one in known if one.verified]
            if not verified:
                raise BadInput("the place has no verified backup", problem="no_verified_backup")
            return verified[-1]
        if asked not in {one.backup_id for one in known}:
            ids = ", ".join(one.backup_id for one in known[-5:]) or "-"
            raise BadInput(
                f"the place has no backup {asked}; it has {ids}", problem="no_backup", asked=asked, known=ids
            )
        return asked

    def manifest(self, backup_id: str) -> Manifest:
        """Raises Permanent if it was changed or cut off."""
        key = self.key(backup_id, _MANIFEST)
        try:
            return Manifest.model_validate_json(self.storage.get_bytes(key))
        except ValidationError:
            raise refused(self.storage.location(key)) from None

    def finish(self, manifest: Manifest) -> None:
        self.storage.put_bytes(self.key(manifest.backup_id, _MANIFEST), manifest.model_dump_json().encode())

    def mark_verified(self, backup_id: str) -> None:
        self.storage.put_bytes(self.key(backup_id, _VERIFIED), b"{}")

    def key(self, backup_id: str, part: str) -> str:
        return f"{BACKUPS}{backup_id}/{part}"

    def sizes_of_packs(self) -> Mapping[str, int]:
        """By id, without those that a verification has found damaged."""
        damaged = {one.key.removeprefix(DAMAGED) for one in self.storage.objects(DAMAGED)}
        return {
            pack: one.bytes
            for one in self.storage.objects(PACKS)
            if (pack := one.key.removeprefix(PACKS).removesuffix(".age")) not in damaged
        }

    def mark_damaged(self, pack: str) -> None:
        self.storage.mark(f"{DAMAGED}{pack}")

    def rotate(self, now: datetime) -> list[str]:
        """Deletes what the rule does not keep; returns the ids of the deleted backups.

        The rule counts whole backups only. A finished one that was not verified stays for a day, and as long as no
        verified one is newer.
        """
        listed = self.listed()
        staying = kept({one.backup_id: one.made_at for one in listed if one.verified and one.has_files})
        last_good = max((one.made_at for one in listed if one.backup_id in staying), default=None)
        staying |= {one.backup_id for one in listed if _stays_for_now(one, now, last_good)}
        gone = [one for one in listed if one.backup_id not in staying]
        for one in gone:
            # without its manifest it is no backup from the first deletion on
            for part in sorted(one.parts, key=lambda name: (name != _VERIFIED, name != _MANIFEST)):
                self.storage.delete(self.key(one.backup_id, part))
        self._sweep_packs((one.backup_id for one in listed if one.finished and one not in gone), now)
        return [one.backup_id for one in gone]

    def _sweep_packs(self, backups: Iterable[str], now: datetime) -> None:
        used: set[str] = set()
        for backup_id in backups:
            files = self.manifest(backup_id).files  # one that cannot be read stops the sweep: its packs are not known
            used.update(files.packs if files else ())
        for one in self.storage.objects(PACKS):
            pack = Path(one.key).stem
            if pack not in used and now - made_at_of(pack) > UNFINISHED_FOR:
                self.storage.delete(one.key)
                self.storage.delete(f"{DAMAGED}{pack}")


def _stays_for_now(one: Listed, now: datetime, last_good: datetime | None) -> bool:
    """What the rule does not count: backups without files, and what was not verified yet."""
    if one.verified:
        return not one.has_files and now - one.made_at < DATABASES_STAY
    no_better = one.finished and (last_good is None or one.made_at > last_good)
    return no_better or now - one.made_at < UNFINISHED_FOR


def no_room(place: str, needed: int, free: int) -> ExportError:
    return NotConfigured(
        f"{place} has {free} bytes free, {needed} are needed: nothing was written",
        problem="no_room_for_backup",
        place=place,
        needed_gb=round(needed / 1e9, 1),
        free_gb=round(free / 1e9, 1),
    )
