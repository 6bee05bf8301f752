"""The table `backups`: what the monitoring says of them."""

from collections.abc import Sequence

from include.calls.domain.backup_contents import Manifest
from include.common.postgres_session import Session

_FILE = "backups"


class Backups:
    """Rows of backups that were made; each call may be repeated."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def record_made(self, manifest: Manifest) -> None:
        self._session.count(
            _FILE,
            "record_made",
            backup_id=manifest.backup_id,
            reason=manifest.reason,
            made_at=manifest.made_at,
            bytes=manifest.bytes,
            seconds=manifest.seconds,
        )

    def record_verified(self, manifest: Manifest, restore_seconds: float) -> None:
        self.record_made(manifest)  # a backup of another machine, or from before this database was restored
        self._session.count(_FILE, "record_verified", backup_id=manifest.backup_id, restore_seconds=restore_seconds)

    def forget(self, backup_ids: Sequence[str]) -> None:
        self._session.count(_FILE, "forget", backup_ids=list(backup_ids))
