"""The disks that this machine sees: of the storage, the database, the backups and temporary files."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from include.calls.domain.metric_values import Disk, Surroundings
from include.calls.names import BACKUP_CONN, STATE_CONN, STORAGE_CONN
from include.calls.state.metrics import MetricsReader

LOCAL_HOSTS = {"", "localhost", "127.0.0.1", "::1"}


def surroundings(reader: MetricsReader) -> Surroundings:
    """A disk that cannot be seen from here is left out: a bucket, a database on another server or in a container."""
    disks = []
    for name, folder in _folders(reader):
        with suppress(OSError):
            usage = shutil.disk_usage(folder)
            disks.append(Disk(name, usage.free, usage.total))
    return Surroundings(_has(BACKUP_CONN), tuple(disks))


def _folders(reader: MetricsReader) -> Iterator[tuple[str, str]]:
    for name, conn_id in (("storage", STORAGE_CONN), ("backups", BACKUP_CONN)):
        if _has(conn_id):
            conn = BaseHook.get_connection(conn_id)
            if path := conn.extra_dejson.get("path"):  # a bucket has none
                yield name, path
    if _has(STATE_CONN):
        host = BaseHook.get_connection(STATE_CONN).host or ""
        if (host.startswith("/") or host in LOCAL_HOSTS) and (folder := reader.data_directory()):
            yield "database", folder
    yield "temporary", tempfile.gettempdir()


def _has(conn_id: str) -> bool:
    try:
        BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return False
    return True
