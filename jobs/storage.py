"""The storage for the command line, from the connection that the tasks read."""

from include.calls.names import STORAGE_CONN
from include.clients.storage.base import Storage
from include.clients.storage.from_connection import storage_of
from jobs.airflow_api import connection_from_environment


def storage_from_environment() -> Storage:
    """Raises NotConfigured if the connection names neither a folder nor a bucket."""
    return storage_of(STORAGE_CONN, connection_from_environment(STORAGE_CONN))
