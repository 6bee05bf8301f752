"""The storage from the connection `call_export_storage`: `aws` is S3, anything else a local folder in extra `path`."""

from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from include.calls.names import STORAGE_CONN
from include.common.errors import NotConfigured

if TYPE_CHECKING:
    from include.clients.storage.base import Storage


class StorageHook(BaseHook):
    """Where audio, texts and reports live."""

    def __init__(self, conn_id: str = STORAGE_CONN) -> None:
        super().__init__()
        self.conn_id = conn_id

    def get_conn(self) -> "Storage":
        conn = self.get_connection(self.conn_id)
        extra = conn.extra_dejson
        if conn.conn_type == "aws":
            if not extra.get("bucket"):
                raise NotConfigured(f"the connection {self.conn_id} names no bucket: set S3_BUCKET")
            return self._s3(extra["bucket"], extra.get("prefix", ""))
        if not extra.get("path"):
            raise NotConfigured(f"the connection {self.conn_id} names no folder: set LOCAL_STORAGE_DIR")
        from include.clients.storage.local import LocalStorage

        return LocalStorage(Path(extra["path"]))

    def _s3(self, bucket: str, prefix: str) -> "Storage":
        """The Amazon provider's hook brings the client, with roles, endpoints and retries as Airflow has them."""
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from include.clients.storage.s3 import S3Storage

        return S3Storage(bucket, prefix, S3Hook(aws_conn_id=self.conn_id).get_conn())
