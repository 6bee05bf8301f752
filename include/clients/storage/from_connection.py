"""A storage from an Airflow connection in its JSON form, for processes outside Airflow."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from include.clients.storage.base import Storage
from include.clients.storage.factory import StorageSettings, make_storage


def storage_of(conn_id: str, conn: Mapping[str, Any]) -> Storage:
    """Raises NotConfigured if the connection names neither a folder nor a bucket."""
    extra: dict[str, Any] = dict(conn.get("extra") or {})
    settings = StorageSettings.of(conn_id, conn.get("conn_type"), extra)
    return make_storage(settings, partial(_s3_client, conn, extra))


def _s3_client(conn: Mapping[str, Any], extra: Mapping[str, Any]) -> Any:
    import boto3  # noqa: PLC0415  loads slowly, and a folder needs none

    return boto3.client(
        "s3",
        endpoint_url=extra.get("endpoint_url"),
        region_name=extra.get("region_name"),
        aws_access_key_id=conn.get("login") or None,  # empty if the machine has a role
        aws_secret_access_key=conn.get("password") or None,
    )
