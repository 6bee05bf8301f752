"""The storage from the connection `call_export_storage`: a bucket or a local folder."""

from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from include.calls.names import STORAGE_CONN
from include.common.wording import connections as texts
from plugins.airflow_kit.connection_test import tested

if TYPE_CHECKING:
    from include.clients.storage.base import Storage


class StorageHook(BaseHook):
    """Where audio, texts and reports live.

    A connection of our own type, whose form asks for either, or of Airflow's own: `fs` with the folder in extra `path`,
    `aws` with extra `bucket` and `prefix`, as the launcher makes it.
    """

    conn_name_attr = "storage_conn_id"
    default_conn_name = STORAGE_CONN
    conn_type = "call_export_storage"
    hook_name = texts.STORAGE

    def __init__(self, storage_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.storage_conn_id = storage_conn_id

    def get_conn(self) -> "Storage":
        """Raises NotConfigured if the connection names neither a bucket nor a folder."""
        from include.clients.storage.from_connection import storage_of

        conn = self.get_connection(self.storage_conn_id)
        found = {"conn_type": conn.conn_type, "login": conn.login, "password": conn.password}
        return storage_of(self.storage_conn_id, {**found, "extra": conn.extra_dejson})

    def test_connection(self) -> tuple[bool, str]:
        """Writes, reads and deletes a trial object."""

        def check() -> str:
            self.get_conn().check()
            return texts.STORAGE_WORKS

        return tested(self.storage_conn_id, check)
