"""Backups of the ClickHouse database: what was made, verified and restored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from include.common.postgres_session import Session, storable

_FILE = "backup_runs"


@dataclass(frozen=True, slots=True)
class BackupRun:
    """A row of `sales.backup_runs`. `manifest` has, by table, `rows` and `hash` of what the database held then."""

    backup: str
    kind: str
    base: str | None
    status: str
    manifest: dict[str, Any]
    bytes: int
    started_at: datetime
    finished_at: datetime | None
    verified_at: datetime | None
    restore_checked_at: datetime | None
    message: str
    revision: int


class BackupRuns:
    """Rows of `sales.backup_runs`; every move names the status that it expects."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def begin(self, backup: str, *, base: str | None, manifest: Mapping[str, Any]) -> None:
        kind = "incremental" if base else "full"
        self._session.count(_FILE, "begin", backup=backup, kind=kind, base=base, manifest=Jsonb(dict(manifest)))

    def created(self, backup: str, size: int) -> None:
        self._session.count(_FILE, "created", backup=backup, bytes=size)

    def failed(self, backup: str, message: str) -> None:
        self._session.count(_FILE, "failed", backup=backup, message=storable(message)[:500])

    def verified(self, backup: str) -> None:
        self._session.count(_FILE, "verified", backup=backup)

    def restore_checked(self, backup: str) -> None:
        self._session.count(_FILE, "restore_checked", backup=backup)

    def pruned(self, backup: str) -> None:
        self._session.count(_FILE, "pruned", backup=backup)

    def living(self) -> list[BackupRun]:
        """Backups that exist, the newest first."""
        return self._session.rows(_FILE, "living", BackupRun)

    def uncopied(self) -> list[BackupRun]:
        return self._session.rows(_FILE, "uncopied", BackupRun)

    def copied(self, run: BackupRun) -> None:
        self._session.count(_FILE, "copied", backup=run.backup, revision=run.revision)
