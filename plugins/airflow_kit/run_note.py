"""The run's note in the Airflow UI: what this run is doing now, without reading logs."""

from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow.sdk import BaseHook

from include.common.names import AIRFLOW_API_CONN

if TYPE_CHECKING:
    import requests

NOTE_LIMIT = 1000  # characters, the API's own limit
TIMEOUT = 5  # seconds; a note must never hold up a call


class AirflowApiHook(BaseHook):
    """Talks to Airflow's public REST API as the user of the connection `airflow_api`.

    The task SDK has no call for a run's note (3.3.2), so this is the supported way to it.
    """

    def __init__(self, conn_id: str = AIRFLOW_API_CONN) -> None:
        super().__init__()
        self.conn_id = conn_id

    def get_conn(self) -> "requests.Session":
        import requests

        conn = self.get_connection(self.conn_id)
        session = requests.Session()
        session.trust_env = False  # the API is ours; a proxy for the recogniser has no business here
        answer = session.post(
            f"{self._base(conn)}/auth/token",
            json={"username": conn.login, "password": conn.password},
            timeout=TIMEOUT,
        )
        answer.raise_for_status()
        session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return session

    def set_note(self, dag_id: str, dag_run_id: str, note: str) -> None:
        """Best effort: a note that cannot be written is logged and never fails the work it tells about."""
        import requests
        from airflow.sdk.exceptions import AirflowNotFoundException

        try:
            base = self._base(self.get_connection(self.conn_id))
            url = f"{base}/api/v2/dags/{quote(dag_id, safe='')}/dagRuns/{quote(dag_run_id, safe='')}"
            with self.get_conn() as session:
                session.patch(url, json={"note": note[:NOTE_LIMIT]}, timeout=TIMEOUT).raise_for_status()
        except (requests.RequestException, AirflowNotFoundException, KeyError) as error:
            self.log.warning("The run's note could not be written: %s", type(error).__name__)

    @staticmethod
    def _base(conn: "object") -> str:
        return str(getattr(conn, "host", "")).rstrip("/")
