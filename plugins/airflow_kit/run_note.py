"""Writes the run's note, which the Airflow UI shows: what the run is doing now."""

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseHook

from include.common.errors import AccessDenied, Temporary
from include.common.names import AIRFLOW_API_CONN
from include.common.wording import connections as texts
from plugins.airflow_kit.connection_test import tested

if TYPE_CHECKING:
    import requests

NOTE_LIMIT = 1000  # characters, the API's own limit
TIMEOUT = 5  # seconds; a note must not hold up a task


class AirflowApiHook(BaseHook):
    """Calls Airflow's public REST API as the user of the connection `airflow_api`, of Airflow's own type for HTTP.

    The task SDK has no call for a run's note (3.3.2), so this is the supported way to it.
    """

    conn_name_attr = "airflow_api_conn_id"
    default_conn_name = AIRFLOW_API_CONN
    conn_type = "http"
    hook_name = texts.AIRFLOW_API

    def __init__(self, airflow_api_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.airflow_api_conn_id = airflow_api_conn_id

    def get_conn(self) -> "requests.Session":
        import requests

        conn = self.get_connection(self.airflow_api_conn_id)
        session = requests.Session()
        session.trust_env = False  # a proxy for the recogniser must not see requests to our own API
        answer = session.post(
            f"{self._base(conn)}/auth/token",
            json={"username": conn.login, "password": conn.password},
            timeout=TIMEOUT,
        )
        answer.raise_for_status()
        session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return session

    def set_note(self, dag_id: str, dag_run_id: str, note: str) -> None:
        """Best effort: an error is logged and never fails the task."""
        import requests
        from airflow.sdk.exceptions import AirflowNotFoundException

        try:
            url = f"{self._runs(dag_id)}/{quote(dag_run_id, safe='')}"
            with self.get_conn() as session:
                session.patch(url, json={"note": note[:NOTE_LIMIT]}, timeout=TIMEOUT).raise_for_status()
        except (requests.RequestException, AirflowNotFoundException, KeyError) as error:
            self.log.warning("The run's note could not be written: %s", type(error).__name__)

    def ended_runs(self, dag_id: str, *, for_hours: float = 1.0, most: int = 100) -> list[str]:
        """Ids of DAG runs that ended at least so long ago, the oldest first; raises what `requests` raises."""
        from datetime import timedelta

        from airflow.sdk.timezone import utcnow

        before = (utcnow() - timedelta(hours=for_hours)).isoformat()
        asked: dict[str, Any] = {
            "state": ["success", "failed"],
            "end_date_lte": before,
            "limit": most,
            "order_by": "end_date",
        }
        with self.get_conn() as session:
            answer = session.get(self._runs(dag_id), params=asked, timeout=TIMEOUT)
            answer.raise_for_status()
            return [str(run["dag_run_id"]) for run in answer.json()["dag_runs"]]

    def delete_run(self, dag_id: str, dag_run_id: str) -> bool:
        """False if it is gone already, or was started again; raises what `requests` raises."""
        with self.get_conn() as session:
            answer = session.delete(f"{self._runs(dag_id)}/{quote(dag_run_id, safe='')}", timeout=TIMEOUT)
        if answer.status_code in (404, 409):
            return False
        answer.raise_for_status()
        return True

    def _runs(self, dag_id: str) -> str:
        base = self._base(self.get_connection(self.airflow_api_conn_id))
        return f"{base}/api/v2/dags/{quote(dag_id, safe='')}/dagRuns"

    def test_connection(self) -> tuple[bool, str]:
        """Logs in and asks for Airflow's version."""
        return tested(self.airflow_api_conn_id, self._version)

    def _version(self) -> str:
        import requests

        base = self._base(self.get_connection(self.airflow_api_conn_id))
        try:
            with self.get_conn() as session:
                response = session.get(f"{base}/api/v2/version", timeout=TIMEOUT)
                response.raise_for_status()
                return texts.airflow_answers(str(response.json()["version"]))
        except requests.HTTPError as error:
            status = error.response.status_code
            raise AccessDenied(
                f"Airflow answered {status} to the login of {self.airflow_api_conn_id}",
                problem="airflow_refuses_login",
                status=status,
            ) from None
        except (requests.RequestException, KeyError) as error:
            raise Temporary(
                f"Airflow's API did not answer: {type(error).__name__}", problem="airflow_does_not_answer"
            ) from None

    @staticmethod
    def _base(conn: "object") -> str:
        return str(getattr(conn, "host", "")).rstrip("/")
