"""The second place, where backups are, from the connection `call_export_backup`."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from include.calls.names import BACKUP_CONN
from plugins.hooks.calls_state import CallsStateHook
from plugins.hooks.storage import StorageHook

if TYPE_CHECKING:
    from include.calls.steps.back_up import Source
    from include.calls.steps.backup_place import BackupPlace


def backups_configured() -> bool:
    try:
        BaseHook.get_connection(BACKUP_CONN)
    except AirflowNotFoundException:
        return False
    return True


def open_place() -> "BackupPlace":
    """Raises NotConfigured if the connection names neither a folder nor a bucket, or has no key."""
    from include.calls.steps.backup_place import BackupPlace

    return BackupPlace(StorageHook(BACKUP_CONN).get_conn(), str(_extra().get("secret_key_of_backups", "")))


def source() -> "Source":
    """The state database of `call_export_db`, Airflow's beside it if it is ours, and the storage."""
    from include.calls.steps.back_up import Source, databases_of
    from include.clients.postgresql.scratch import beside

    extra, state = _extra(), dumped_as()
    airflow = extra.get("airflow_database")
    return Source(
        databases_of(state, beside(state, str(airflow)) if airflow else None),
        dict(extra.get("settings") or {}),
        StorageHook().get_conn(),
    )


def dumped_as() -> str:
    """The state database for the role that reads everything and makes scratch databases, where there is one."""
    from psycopg.conninfo import make_conninfo

    extra, state = _extra(), CallsStateHook().conninfo()
    if not extra.get("database_user"):
        return state
    return make_conninfo(state, user=str(extra["database_user"]), password=str(extra["database_password"]))


def _extra() -> dict[str, Any]:
    extra: dict[str, Any] = BaseHook.get_connection(BACKUP_CONN).extra_dejson
    return extra
