"""The storage from the connection `call_export_storage`: type `aws` is a bucket, type `fs` a local folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from include.calls.names import STORAGE_CONN
from include.common import connection_texts as texts
from include.common.errors import NotConfigured
from plugins.airflow_kit.connection_test import tested

if TYPE_CHECKING:
    from include.clients.storage.base import Storage


class StorageHook(BaseHook):
    """Where audio, texts and reports live.

    Both are types of Airflow's own: `fs` with the folder in extra `path`, `aws` with extra `bucket` and `prefix`.
    """

    conn_name_attr = "storage_conn_id"
    default_conn_name = STORAGE_CONN
    conn_type = "fs"
    hook_name = texts.STORAGE

    def __init__(self, storage_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.storage_conn_id = storage_conn_id

    def get_conn(self) -> "Storage":
        """Raises NotConfigured if the connection names neither a bucket nor a folder."""
        conn = self.get_connection(self.storage_conn_id)
        extra = conn.extra_dejson
        if conn.conn_type == "aws":
            if not extra.get("bucket"):
                raise NotConfigured(
                    f"the connection {self.storage_conn_id} names no bucket: set S3_BUCKET", problem="no_bucket"
                )
            return self._s3(extra["bucket"], extra.get("prefix", ""))
        if not extra.get("path"):
            raise NotConfigured(
                f"the connection {self.storage_conn_id} names no folder: set LOCAL_STORAGE_DIR",
                problem="no_storage_folder",
            )
        from include.clients.storage.local import LocalStorage

        return LocalStorage(Path(extra["path"]))

    def test_connection(self) -> tuple[bool, str]:
        """Writes, reads and deletes a trial object."""

        def check() -> str:
            self.get_conn().check()
            return texts.STORAGE_WORKS

        return tested(self.storage_conn_id, check)

    def _s3(self, bucket: str, prefix: str) -> "Storage":
        """The Amazon provider's hook brings the client, with roles, endpoints and retries as Airflow has them."""
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from include.clients.storage.s3 import S3Storage

        return S3Storage(bucket, prefix, S3Hook(aws_conn_id=self.storage_conn_id).get_conn())
