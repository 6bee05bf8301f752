"""The export's state from the connection `call_export_db`."""

from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from include.calls.names import STATE_CONN

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from include.calls.state.state import State


class StateHook(BaseHook):
    """Opens `call_exports` and its sister tables."""

    def __init__(self, conn_id: str = STATE_CONN) -> None:
        super().__init__()
        self.conn_id = conn_id

    def conninfo(self) -> str:
        return conninfo_of(self.get_connection(self.conn_id))

    def get_conn(self) -> "State":
        from include.calls.state.state import State

        return State(self.conninfo())


def conninfo_of(conn: "Connection") -> str:
    """libpq's form of an Airflow connection; a folder as `host` is a unix socket."""
    from psycopg.conninfo import make_conninfo

    parts = {"host": conn.host, "port": conn.port, "user": conn.login, "password": conn.password}
    given = {name: str(value) for name, value in {**parts, **conn.extra_dejson}.items() if value}
    return make_conninfo(dbname=conn.schema, **given)
