"""What each task of `call_backup` and `call_backup_drill` does."""

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.calls.domain.backup_contents import LATEST, BackupReason
from include.calls.wording import backups as wording
from include.common.errors import Permanent
from plugins.calls.task_context import failure_noted, note
from plugins.hooks.calls_state import CallsStateHook
from plugins.hooks.second_place import backups_configured, dumped_as, open_place, source

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


def back_up(context: "Context") -> str:
    """Returns the backup's id. Raises AirflowSkipException where no second place is configured."""
    from include.calls.state.backups import Backups
    from include.calls.steps import back_up as step

    _skip_unless_configured(context)
    with failure_noted(context, wording.BACKING_UP), CallsStateHook().get_conn() as state:
        manifest = step.back_up(open_place(), source(), BackupReason.SCHEDULE, datetime.now(UTC))
        Backups(state.session).record_made(manifest)
    log.info("backup %s: %d bytes added in %.0f s", manifest.backup_id, manifest.bytes, manifest.seconds)
    return manifest.backup_id


def verify(context: "Context", backup_id: str) -> None:
    """Restores into scratch databases and compares; a backup that differs is not tried again."""
    _verify(context, backup_id, every_pack=False)


def drill(context: "Context") -> None:
    """The last verified backup again, and every pack of its files."""
    _skip_unless_configured(context)
    with failure_noted(context, wording.VERIFYING):
        backup_id = open_place().resolve(LATEST)
    _verify(context, backup_id, every_pack=True)


def rotate(context: "Context") -> int:
    """Deletes the backups that the rule does not keep; returns how many."""
    from include.calls.state.backups import Backups

    with failure_noted(context, wording.ROTATING), CallsStateHook().get_conn() as state:
        gone = open_place().rotate(datetime.now(UTC))
        Backups(state.session).forget(gone)
    log.info("backups deleted: %s", ", ".join(gone) or "none")
    return len(gone)


def _verify(context: "Context", backup_id: str, *, every_pack: bool) -> None:
    from include.calls.state.backups import Backups
    from include.calls.state.migrate import migrate
    from include.calls.steps import verify_backup as step

    with failure_noted(context, wording.VERIFYING), CallsStateHook().get_conn() as state:
        try:
            found = step.verify(open_place(), backup_id, dumped_as(), migrate, every_pack=every_pack)
        except Permanent as error:
            note(context, wording.refused(backup_id, error))
            raise AirflowFailException(str(error)) from None
        Backups(state.session).record_verified(found.manifest, found.restore_seconds)
    note(context, wording.verified(found.manifest, found.restore_seconds, found.files))


def _skip_unless_configured(context: "Context") -> None:
    if not backups_configured():
        note(context, wording.NOT_CONFIGURED)
        raise AirflowSkipException("no backup: BACKUP_URL and BACKUP_KEY are not set")
