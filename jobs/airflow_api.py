"""The part of Airflow's public REST API that the command line needs."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import requests

from include.calls.names import DAG_ID
from include.common.errors import BadInput, ExportError, NotConfigured
from include.common.names import AIRFLOW_API_CONN

TIMEOUT = 30  # seconds


@dataclass(frozen=True, slots=True)
class TaskTry:
    """The newest try of a task; `map_index` is -1 for one that is not mapped."""

    task_id: str
    map_index: int
    number: int
    state: str


class AirflowApi:
    """Triggers and looks up runs of one DAG, `call_export` if not named, as the user of `airflow_api`."""

    def __init__(self, base_url: str, login: str, password: str, dag_id: str = DAG_ID) -> None:
        self._dag = f"/api/v2/dags/{quote(dag_id, safe='')}"
        self._base = base_url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        answer = self._send("POST", "/auth/token", {"username": login, "password": password})
        if answer.status_code not in (200, 201):
            raise NotConfigured(
                f"Airflow refused the login of the connection {AIRFLOW_API_CONN}: HTTP {answer.status_code}",
                problem="airflow_refuses_login",
                status=answer.status_code,
            )
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    @property
    def address(self) -> str:
        return self._base

    @classmethod
    def from_environment(cls, dag_id: str = DAG_ID) -> "AirflowApi":
        conn = connection_from_environment(AIRFLOW_API_CONN)
        return cls(str(conn["host"]), str(conn["login"]), str(conn["password"]), dag_id)

    def trigger(self, dag_run_id: str, conf: Mapping[str, Any]) -> bool:
        """True if the run was created, False if this dag_run_id existed already.

        Raises BadInput if Airflow refuses the parameters.
        """
        body = {"dag_run_id": dag_run_id, "logical_date": None, "conf": dict(conf)}
        answer = self._send("POST", f"{self._dag}/dagRuns", body)
        if answer.status_code == 409:
            return False
        if answer.status_code in (400, 422):
            raise BadInput(f"Airflow refused the parameters: {_detail(answer)}", problem="airflow_refuses_parameters")
        self._check(answer, "trigger the run")
        return True

    def state(self, dag_run_id: str) -> str:
        """Airflow's state of a DAG run: queued, running, success or failed."""
        answer = self._send("GET", f"{self._dag}/dagRuns/{quote(dag_run_id, safe='')}")
        self._check(answer, f"look up the run {dag_run_id}")
        return str(answer.json()["state"])

    def is_live(self, dag_run_id: str) -> bool:
        """True if Airflow knows this DAG run and has not ended it."""
        answer = self._send("GET", f"{self._dag}/dagRuns/{quote(dag_run_id, safe='')}")
        if answer.status_code == 404:
            return False
        self._check(answer, f"look up the run {dag_run_id}")
        return answer.json()["state"] in ("queued", "running")

    def knows(self, dag_run_id: str) -> bool:
        return self._send("GET", f"{self._dag}/dagRuns/{quote(dag_run_id, safe='')}").ok

    def note(self, dag_run_id: str) -> str:
        answer = self._send("GET", f"{self._dag}/dagRuns/{quote(dag_run_id, safe='')}")
        self._check(answer, f"look up the run {dag_run_id}")
        return answer.json().get("note") or ""

    def question_url(self, dag_run_id: str, task_id: str = "plan") -> str:
        """Where a person decides, for example if the forecast is above the budget."""
        dag = self._dag.removeprefix("/api/v2")
        return f"{self._base}{dag}/runs/{quote(dag_run_id, safe='')}/tasks/{task_id}/required_actions"

    def newest_run(self) -> str | None:
        """The id of the DAG's newest run; None where it has none."""
        answer = self._send("GET", f"{self._dag}/dagRuns?limit=1&order_by=-run_after")
        self._check(answer, "look up the runs")
        runs = answer.json()["dag_runs"]
        return str(runs[0]["dag_run_id"]) if runs else None

    def tasks_of(self, dag_run_id: str) -> list[TaskTry]:
        """Tasks of the run that have begun, in the order in which they did."""
        answer = self._send("GET", f"{self._dag}/dagRuns/{quote(dag_run_id, safe='')}/taskInstances?limit=1000")
        self._check(answer, f"look up the tasks of {dag_run_id}")
        begun = [one for one in answer.json()["task_instances"] if one["start_date"] and one["try_number"]]
        begun.sort(key=lambda one: one["start_date"])
        return [
            TaskTry(one["task_id"], int(one["map_index"]), int(one["try_number"]), str(one["state"])) for one in begun
        ]

    def log_of(self, dag_run_id: str, task: TaskTry) -> list[str]:
        """The lines of a task's log: when and what."""
        path = f"{self._dag}/dagRuns/{quote(dag_run_id, safe='')}/taskInstances/{task.task_id}/logs/{task.number}"
        answer = self._send("GET", f"{path}?full_content=true&map_index={task.map_index}")
        self._check(answer, f"read the log of {task.task_id}")
        content = answer.json()["content"]
        rows = content if isinstance(content, list) else []
        return [f"{row.get('timestamp') or ''} {row.get('event', '')}".strip() for row in rows if isinstance(row, dict)]

    def unpause(self) -> None:
        self.pause(is_paused=False)

    def pause(self, *, is_paused: bool = True) -> None:
        self._check(self._send("PATCH", self._dag, {"is_paused": is_paused}), "pause or unpause the DAG")

    def is_paused(self) -> bool:
        answer = self._send("GET", self._dag)
        self._check(answer, "look up the DAG")
        return bool(answer.json()["is_paused"])

    def next_runs(self, tag: str) -> dict[str, datetime | None]:
        """When each DAG of the tag runs next, by its id; None for one that is paused or runs by hand alone."""
        answer = self._send("GET", f"/api/v2/dags?tags={quote(tag)}&limit=100")
        self._check(answer, "look up the DAGs")
        found = {}
        for one in answer.json()["dags"]:
            at = None if one["is_paused"] else one.get("next_dagrun_run_after")
            found[str(one["dag_id"])] = datetime.fromisoformat(at) if at else None
        return found

    def backfill(self, first: str, last: str, *, redo: bool) -> int:
        """Airflow's own backfill, one run at a time; `first` and `last` are ISO instants. Returns its number.

        Raises BadInput if Airflow refuses it, for example beside another one of the DAG.
        """
        body = {"dag_id": self._dag.rpartition("/")[2], "from_date": first, "to_date": last, "max_active_runs": 1,
                "run_backwards": False, "reprocess_behavior": "completed" if redo else "none",
                "dag_run_conf": {}}  # fmt: skip
        answer = self._send("POST", "/api/v2/backfills", body)
        if answer.status_code in (400, 409, 422):
            raise BadInput(f"Airflow refused the parameters: {_detail(answer)}", problem="airflow_refuses_parameters")
        self._check(answer, "begin the backfill")
        return int(answer.json()["id"])

    def publish_again(self, dag_run_id: str) -> None:
        """Clears `publish` and what follows it: registry and report are written again, the run keeps its end."""
        body = {"dry_run": False, "only_failed": False, "dag_run_id": dag_run_id, "task_ids": ["publish"],
                "include_downstream": True}  # fmt: skip
        answer = self._send("POST", f"{self._dag}/clearTaskInstances", body)
        self._check(answer, "write the report again")

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> requests.Response:
        try:
            return self._session.request(method, self._base + path, json=body, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise ExportError(
                f"Airflow does not answer at {self._base} ({type(error).__name__}); start it with make up",
                problem="airflow_is_down",
                address=self._base,
            ) from None

    @staticmethod
    def _check(answer: requests.Response, purpose: str) -> None:
        if not answer.ok:
            raise ExportError(
                f"Airflow would not {purpose}: HTTP {answer.status_code}, {_detail(answer)}",
                problem="airflow_refuses",
                status=answer.status_code,
            )


def connection_from_environment(conn_id: str) -> dict[str, Any]:
    """An Airflow connection as the launcher gives it: JSON in AIRFLOW_CONN_<ID>."""
    name = f"AIRFLOW_CONN_{conn_id.upper()}"
    text = os.environ.get(name)
    if not text:
        raise NotConfigured(
            f"{name} is not set: run this through make export or make resume", problem="not_through_make", name=name
        )
    conn: dict[str, Any] = json.loads(text)
    return conn


def has_connection(conn_id: str) -> bool:
    return bool(os.environ.get(f"AIRFLOW_CONN_{conn_id.upper()}"))


def _detail(answer: requests.Response) -> str:
    try:
        detail = answer.json().get("detail")
    except ValueError:
        return "no explanation"
    if isinstance(detail, dict):
        detail = detail.get("reason") or detail.get("message") or detail
    return str(detail)
