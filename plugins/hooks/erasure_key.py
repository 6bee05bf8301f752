"""The key of the hashes by which erased calls are known, from the connection `call_export_erasure`."""

from typing import TYPE_CHECKING

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from include.calls.names import ERASURE_CONN
from include.common.errors import NotConfigured

if TYPE_CHECKING:
    from include.calls.domain.erasure_hashes import ErasureKey


def find_erasure_key() -> "ErasureKey | None":
    """None if the connection is missing: then a listing refuses to go on where calls were erased."""
    from include.calls.domain.erasure_hashes import ErasureKey

    try:
        secret = BaseHook.get_connection(ERASURE_CONN).password
    except AirflowNotFoundException:
        return None
    return ErasureKey.of(secret) if secret else None


def load_erasure_key() -> "ErasureKey":
    key = find_erasure_key()
    if key is None:
        raise NotConfigured(
            f"the connection {ERASURE_CONN} has no password: it is the key by which erased calls are known",
            problem="no_erasure_key",
            connection=ERASURE_CONN,
        )
    return key
