"""The storage for the command line, from the connection that the tasks read."""

from pathlib import Path
from typing import Any

import boto3

from include.calls.names import STORAGE_CONN
from include.clients.storage.base import Storage
from include.clients.storage.local import LocalStorage
from include.clients.storage.s3 import S3Storage
from include.common.errors import NotConfigured
from jobs.airflow_api import connection_from_environment


def storage_from_environment() -> Storage:
    """Raises NotConfigured if the connection names neither a folder nor a bucket."""
    conn = connection_from_environment(STORAGE_CONN)
    extra: dict[str, Any] = dict(conn.get("extra") or {})
    if conn.get("conn_type") == "aws" and extra.get("bucket"):
        return _s3(conn, extra)
    if extra.get("path"):
        return LocalStorage(Path(extra["path"]))
    raise NotConfigured(
        f"the connection {STORAGE_CONN} names no place: set LOCAL_STORAGE_DIR or S3_BUCKET", problem="no_storage"
    )


def _s3(conn: dict[str, Any], extra: dict[str, Any]) -> Storage:
    client = boto3.client(
        "s3",
        endpoint_url=extra.get("endpoint_url"),
        region_name=extra.get("region_name"),
        aws_access_key_id=conn.get("login") or None,  # empty if the machine has a role
        aws_secret_access_key=conn.get("password") or None,
    )
    return S3Storage(extra["bucket"], extra.get("prefix", ""), client)
