"""The state of the exports from the connection `call_export_db`."""

from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from include.calls.names import STATE_CONN
from include.common.errors import NotConfigured
from include.common.wording import connections as texts
from plugins.airflow_kit.connection_test import tested

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from include.calls.state.state import State


class CallsStateHook(BaseHook):
    """Opens `call_exports` and its sister tables.

    The connection is of our own type, whose test asks for the schema too, or of Airflow's own for PostgreSQL.
    """

    conn_name_attr = "calls_state_conn_id"
    default_conn_name = STATE_CONN
    conn_type = "call_export_state"
    hook_name = texts.CALLS_STATE

    def __init__(self, calls_state_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.calls_state_conn_id = calls_state_conn_id

    def conninfo(self) -> str:
        return conninfo_of(self.get_connection(self.calls_state_conn_id))

    def get_conn(self) -> "State":
        from include.calls.state.state import State

        return State.open(self.conninfo())

    def test_connection(self) -> tuple[bool, str]:
        return tested(self.calls_state_conn_id, self._check_schema)

    def _check_schema(self) -> str:
        from include.calls.state.migrate import current, head

        found, wanted = current(self.conninfo()), head()
        if found != wanted:
            raise NotConfigured(
                f"the state database has schema {found}, this code needs {wanted}: "
                "run make up, or airflow call-export migrate",
                problem="wrong_state_schema",
                found=found or "-",
                wanted=wanted,
            )
        return texts.SCHEMA_FITS


def conninfo_of(conn: "Connection") -> str:
    """libpq's form of an Airflow connection; a folder as `host` is a unix socket."""
    from psycopg.conninfo import make_conninfo

    parts = {"host": conn.host, "port": conn.port, "user": conn.login, "password": conn.password}
    given = {name: str(value) for name, value in {**parts, **conn.extra_dejson}.items() if value}
    return make_conninfo(dbname=conn.schema, **given)
