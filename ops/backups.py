"""`make backup`, `make verify-backup`, `make restore` and the backup before a migration."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from getpass import getuser
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from include.calls import names
from include.calls.domain.audit_chain import Action
from include.calls.domain.backup_contents import BackupReason, Manifest
from include.calls.domain.erasure_hashes import ErasureKey
from include.calls.state.audit import AuditLog
from include.calls.state.backups import Backups
from include.calls.state.migrate import current, head, migrate
from include.calls.state.state import State
from include.calls.steps.back_up import AIRFLOW, STATE, Source, back_up, databases_of
from include.calls.steps.backup_place import BackupPlace
from include.calls.steps.erase import erase_again
from include.calls.steps.restore_backup import restore
from include.calls.steps.verify_backup import Verified, verify
from include.calls.wording import backups as wording
from include.clients.postgresql.contents import is_empty
from include.clients.postgresql.scratch import beside, name_of, set_aside
from include.clients.storage.from_connection import storage_of
from include.common.errors import NotConfigured
from ops.settings.authorities import authorities
from ops.settings.connections import connections
from ops.settings.databases import Databases
from ops.settings.env_file import Settings
from ops.settings.generated_secrets import generated
from ops.settings.profile import Runtime
from ops.wording import launcher


class BackupsOfSystem:
    """The backups of one system profile, by its settings. Raises NotConfigured where no second place is set."""

    def __init__(self, settings: Settings, runtime: Runtime, databases: Databases, console: Console) -> None:
        if not settings.backup_url:
            raise NotConfigured("no backup: BACKUP_URL and BACKUP_KEY are not set", problem="no_backups")
        os.environ.update(authorities(settings, runtime))  # for the clients of this very process
        keys = generated(runtime, settings)
        made = connections(settings, runtime, keys, state_url=databases.state_url, api_url="")
        self._erasure_key = ErasureKey.of(keys.erasure_key)
        self._databases, self._settings, self._console = databases, settings, console
        self._storage = storage_of(names.STORAGE_CONN, made[names.STORAGE_CONN])
        self._place = BackupPlace(
            storage_of(names.BACKUP_CONN, made[names.BACKUP_CONN]), settings.backup_key.get_secret_value()
        )

    def back_up(self) -> None:
        """Makes a backup and verifies it at once."""
        manifest = self._made(BackupReason.HAND, with_files=True)
        self._console.print(wording.made(manifest))
        record(self._verified(manifest.backup_id), self._databases)

    def before_migration(self) -> Verified:
        """The databases alone. The caller records it after the migration: the table may be of a later schema.

        Verifying migrates the copy first, so a migration that fails on this data fails on a copy of it.
        """
        with self._console.status(launcher.BACKUP_BEFORE_MIGRATION):
            manifest = self._made(BackupReason.MIGRATION, with_files=False)
            found = verify(self._place, manifest.backup_id, self._databases.state_url, migrate)
        self._console.print(wording.made(manifest))
        return found

    def verify(self, asked: str, *, every_pack: bool) -> None:
        record(self._verified(self._place.resolve(asked), every_pack=every_pack), self._databases)

    def restore(self, asked: str, *, into: str, aside: bool, files: bool) -> None:
        """Into the system's own databases, which must be empty or are set aside; `into` names another one instead.

        What was erased on a person's demand since the backup is erased again at once, by the storage's tombstones too.
        """
        backup_id = self._place.resolve(asked)
        targets = {STATE: self._databases.state_url, AIRFLOW: self._databases.metadata_url}
        if into:
            targets = {STATE: beside(self._databases.state_url, into)}
        elif aside:
            self._set_aside(targets.values())
        with self._console.status(launcher.RESTORING):
            done = restore(self._place, backup_id, targets, self._storage if files and not into else None, migrate)
        self._console.print(wording.restored(done.manifest, done.rows, done.files, done.seconds))
        if not into:
            with State.open(self._databases.state_url) as state:
                Backups(state.session).record_verified(done.manifest, done.seconds)
                detail = {"backup": backup_id, "rows": done.rows, "files": done.files}
                AuditLog(state.session).record(Action.DATABASE_RESTORED, actor=getuser(), detail=detail)
                again = erase_again(state, self._storage, self._settings.policy, self._erasure_key)
            self._console.print(wording.erased_again(again))

    def _set_aside(self, urls: Iterable[str]) -> None:
        suffix = f"before_{datetime.now(UTC):%Y%m%dt%H%M%S}"
        for url in urls:
            if not is_empty(url):
                self._console.print(launcher.SET_ASIDE.format(database=name_of(url), aside=set_aside(url, suffix)))

    def _made(self, reason: BackupReason, *, with_files: bool) -> Manifest:
        source = Source(
            databases_of(self._databases.state_url, self._databases.metadata_url),
            self._settings.without_secrets,
            self._storage if with_files else None,
        )
        return back_up(self._place, source, reason, datetime.now(UTC))

    def _verified(self, backup_id: str, *, every_pack: bool = False) -> Verified:
        with self._console.status(launcher.VERIFYING_BACKUP):
            found = verify(self._place, backup_id, self._databases.state_url, migrate, every_pack=every_pack)
        self._console.print(wording.verified(found.manifest, found.restore_seconds, found.files))
        return found


def record(found: Verified, databases: Databases) -> None:
    with State.open(databases.state_url) as state:
        Backups(state.session).record_verified(found.manifest, found.restore_seconds)


def migration_is_due(databases: Databases, runtime: Runtime) -> bool:
    """Whether one of the schemas is about to change: ours by its revision, Airflow's by the installed version.

    A system that has no schema yet has nothing to save.
    """
    found = current(databases.state_url)
    return found is not None and (found != head() or _migrated_by(runtime) != version("apache-airflow"))


def remember_migration(runtime: Runtime) -> None:
    _version_file(runtime).write_text(version("apache-airflow"), encoding="utf-8")


def _migrated_by(runtime: Runtime) -> str:
    file = _version_file(runtime)
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _version_file(runtime: Runtime) -> Path:
    return runtime.home / "migrated_by_airflow"
