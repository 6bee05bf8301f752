"""The storage for the command line, from the connection that the tasks read."""

from functools import partial
from typing import Any

import boto3

from include.calls.names import STORAGE_CONN
from include.clients.storage.base import Storage
from include.clients.storage.factory import StorageSettings, make_storage
from jobs.airflow_api import connection_from_environment


def storage_from_environment() -> Storage:
    """Raises NotConfigured if the connection names neither a folder nor a bucket."""
    conn = connection_from_environment(STORAGE_CONN)
    extra: dict[str, Any] = dict(conn.get("extra") or {})
    settings = StorageSettings.of(STORAGE_CONN, conn.get("conn_type"), extra)
    return make_storage(settings, partial(_s3_client, conn, extra))


def _s3_client(conn: dict[str, Any], extra: dict[str, Any]) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=extra.get("endpoint_url"),
        region_name=extra.get("region_name"),
        aws_access_key_id=conn.get("login") or None,  # empty if the machine has a role
        aws_secret_access_key=conn.get("password") or None,
    )
