"""Waiting until Airflow can be worked with: all four components alive and the DAG known."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import requests
from rich.console import Console

from include.calls.names import DAG_ID
from include.common.errors import ExportError
from ops.one_machine.supervisor import Supervisor
from ops.settings.generated_secrets import ADMIN
from ops.settings.profile import Runtime

START_SECONDS = 240.0  # measured: 20 s on two idle cores
PARSE_SECONDS = 120.0
POLL_SECONDS = 0.5
ANSWER_SECONDS = 10
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
    """Returns when everything is healthy; raises ExportError naming the part that is not and its log."""
    deadline = clock() + START_SECONDS
    with console.status("Airflow запускается...") as status:
        while waiting := sick_parts(url):
            if clock() > deadline:
                raise ExportError(f"Airflow не запустился: {', '.join(waiting)}; журналы: {runtime.logs}.")
            if not supervisor.components():
                raise ExportError(f"Airflow остановился при запуске; журналы: {runtime.logs}.")
            status.update(f"Airflow запускается, ждём: {', '.join(waiting)}")
            sleep(POLL_SECONDS)
    console.print("Airflow работает")
    _wake_tasks_api(url)
    if any((runtime.root / "dags").rglob(f"{DAG_ID}.py")):
        with console.status(f"Airflow читает {DAG_ID}..."):
            _wait_for_dag(url, password, clock() + PARSE_SECONDS, clock, sleep)


def sick_parts(url: str) -> list[str]:
    """Components that are not healthy by Airflow's own word; `api-server` where nothing answers."""
    try:
        answer = _session().get(f"{url}/api/v2/monitor/health", timeout=ANSWER_SECONDS)
        health: dict[str, Any] = answer.json()
    except (requests.RequestException, ValueError):
        return ["api-server"]
    return [part for part in PARTS if (health.get(part) or {}).get("status") != "healthy"]


def _wake_tasks_api(url: str) -> None:
    """The api-server builds the tasks' part of itself at its first request, in three seconds: else a run's first."""
    with suppress(requests.RequestException):
        _session().get(f"{url}/execution/health", timeout=ANSWER_SECONDS)


def _wait_for_dag(
    url: str, password: str, deadline: float, clock: Callable[[], float], sleep: Callable[[float], None]
) -> None:
    session = _session()
    token = session.post(
        f"{url}/auth/token", json={"username": ADMIN, "password": password}, timeout=ANSWER_SECONDS
    ).json()["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"
    while session.get(f"{url}/api/v2/dags/{DAG_ID}", timeout=ANSWER_SECONDS).status_code != 200:
        broken = session.get(f"{url}/api/v2/importErrors", timeout=ANSWER_SECONDS).json().get("import_errors")
        if broken:
            reason = str(broken[0]["stack_trace"]).strip().splitlines()[-1]
            raise ExportError(f"Airflow не может прочитать {broken[0]['filename']}: {reason}")
        if clock() > deadline:
            raise ExportError(
                f"Airflow за {PARSE_SECONDS:.0f} с не прочитал {DAG_ID}; смотрите logs/dag-processor.log."
            )
        sleep(POLL_SECONDS)


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # our own server: never through a proxy
    return session
