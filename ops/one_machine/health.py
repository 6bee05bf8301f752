"""Waits until Airflow is usable: all four components are healthy and the DAG is parsed."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import requests
from rich.console import Console

from include.calls.names import DAG_ID
from include.common.errors import ExportError
from ops.one_machine.supervisor import Supervisor
from ops.settings.generated_secrets import TASKS
from ops.settings.profile import Runtime
from ops.wording import launcher as wording

START_SECONDS = 240.0  # measured: 20 s on two idle cores
PARSE_SECONDS = 120.0
POLL_SECONDS = 0.5
RESPONSE_SECONDS = 10
LOGIN_SECONDS = 60.0  # the first login builds its routes: more than ten seconds on a busy machine
PARTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")


def wait_healthy(
    runtime: Runtime,
    url: str,
    password: str,
    supervisor: Supervisor,
    console: Console,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Returns when all parts are healthy; raises ExportError that names the others and the logs."""
    deadline = clock() + START_SECONDS
    with console.status(wording.AIRFLOW_STARTS) as status:
        while waiting := sick_parts(url):
            parts = ", ".join(waiting)
            if clock() > deadline:
                raise ExportError(
                    f"Airflow did not start: {parts}; see {runtime.logs}",
                    problem="airflow_not_started",
                    parts=parts,
                    logs=runtime.logs,
                )
            if not supervisor.components():
                raise ExportError(
                    f"Airflow ended during its start; see {runtime.logs}", problem="airflow_ended", logs=runtime.logs
                )
            status.update(wording.AIRFLOW_WAITS.format(parts=parts))
            sleep(POLL_SECONDS)
    console.print(wording.AIRFLOW_RUNS)
    _wake_tasks_api(url)
    if any((runtime.root / "dags").rglob(f"{DAG_ID}.py")):
        with console.status(wording.AIRFLOW_PARSES.format(dag=DAG_ID)):
            _wait_for_dag(runtime, url, password, clock() + PARSE_SECONDS, clock, sleep)


def sick_parts(url: str) -> list[str]:
    """Components that are not healthy according to Airflow; `api-server` where it does not respond."""
    try:
        response = _session().get(f"{url}/api/v2/monitor/health", timeout=RESPONSE_SECONDS)
        health: dict[str, Any] = response.json()
    except (requests.RequestException, ValueError):
        return ["api-server"]
    return [part for part in PARTS if (health.get(part) or {}).get("status") != "healthy"]


def _wake_tasks_api(url: str) -> None:
    """Sends the first request to the tasks' API: the api-server takes three seconds to build it."""
    with suppress(requests.RequestException):
        _session().get(f"{url}/execution/health", timeout=RESPONSE_SECONDS)


def _wait_for_dag(
    runtime: Runtime,
    url: str,
    password: str,
    deadline: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    session = _session()
    token = session.post(
        f"{url}/auth/token", json={"username": TASKS, "password": password}, timeout=LOGIN_SECONDS
    ).json()["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"
    while session.get(f"{url}/api/v2/dags/{DAG_ID}", timeout=RESPONSE_SECONDS).status_code != 200:
        broken = session.get(f"{url}/api/v2/importErrors", timeout=RESPONSE_SECONDS).json().get("import_errors")
        if broken:
            file, reason = broken[0]["filename"], str(broken[0]["stack_trace"]).strip().splitlines()[-1]
            raise ExportError(f"Airflow cannot parse {file}: {reason}", problem="dag_broken", file=file, reason=reason)
        if clock() > deadline:
            log = runtime.logs / "dag-processor.log"
            raise ExportError(
                f"Airflow did not parse {DAG_ID} within {PARSE_SECONDS:.0f} s; see {log}",
                problem="dag_not_parsed",
                dag=DAG_ID,
                seconds=round(PARSE_SECONDS),
                log=log,
            )
        sleep(POLL_SECONDS)


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # our own server is not reached through a proxy
    return session
