"""A storage from an Airflow connection: of a hook, or of the JSON form in a process outside Airflow."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from include.clients.storage.base import Storage
from include.clients.storage.factory import StorageSettings, make_storage


def storage_of(conn_id: str, conn: Mapping[str, Any]) -> Storage:
    """`conn` is the connection in Airflow's JSON form.

    Raises NotConfigured if it names neither a folder nor a bucket.
    """
    extra: dict[str, Any] = dict(conn.get("extra") or {})
    settings = StorageSettings.of(conn_id, conn.get("conn_type"), extra)
    return make_storage(settings, partial(_s3_client, conn, extra))


def _s3_client(conn: Mapping[str, Any], extra: Mapping[str, Any]) -> Any:
    from include.clients.storage.s3_client import s3_client  # noqa: PLC0415  boto3 loads slowly, and a folder needs none

    return s3_client(conn.get("login"), conn.get("password"), extra)
