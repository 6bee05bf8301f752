"""The launcher with a real Airflow: up, up again, a killed component, a killed supervisor, down."""

import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests
from rich.console import Console

from include.calls import names
from include.common.errors import NotConfigured
from include.common.names import RECOGNISER_POOL
from ops.one_machine import postgres
from ops.one_machine.down import down
from ops.one_machine.health import sick_parts
from ops.one_machine.supervisor import AIRFLOW_COMPONENTS, POSTGRES_KEEPER, Supervisor
from ops.one_machine.up import Running, running_environment, up
from ops.settings.env_file import VARIABLES
from ops.settings.generated_secrets import ADMIN
from ops.settings.profile import Runtime
from tests.kit.server_folder import server_folder

pytestmark = pytest.mark.long

SILENT = Console(quiet=True)
SETTINGS = """
B24_BASE_URL=https://company.bitrix24.ru
B24_WEBHOOK_USER_ID=1
B24_WEBHOOK_TOKEN=s3cr3t%token
TRANSCRIBE_CONCURRENCY=3
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(condition: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    for name in VARIABLES & set(os.environ):
        monkeypatch.delenv(name)
    root = server_folder("launcher-")
    (root / "dags").mkdir()
    (root / ".env").write_text(f"{SETTINGS}AIRFLOW_PORT={free_port()}\n", encoding="utf-8")
    runtime = Runtime(root=root)
    runtime.home.mkdir(parents=True)
    runtime.schedule_allowed.touch()  # else `up` would ask that portal for the forecast of the first night
    yield runtime
    down(runtime, SILENT)
    shutil.rmtree(root, ignore_errors=True)


def processes_of(runtime: Runtime) -> list[str]:
    """Command lines of the processes that run in the profile's folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(runtime.root):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def session_of(running: Running) -> requests.Session:
    session = requests.Session()
    login = {"username": ADMIN, "password": running.password}
    token = session.post(f"{running.url}/auth/token", json=login, timeout=60).json()["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"
    return session


@pytest.mark.airflow
@pytest.mark.postgres
def test_from_nothing_to_nothing(runtime: Runtime) -> None:
    running = up(runtime, SILENT)
    supervisor = Supervisor(runtime)
    assert [one.name for one in supervisor.components()] == [POSTGRES_KEEPER, *AIRFLOW_COMPONENTS]

    with session_of(running) as session:
        pools = session.get(f"{running.url}/api/v2/pools", timeout=60).json()["pools"]
    sizes = {pool["name"]: pool["slots"] for pool in pools}
    assert (sizes[names.PORTAL_POOL], sizes[RECOGNISER_POOL]) == (4, 3)

    environment = running_environment(runtime)
    assert json.loads(environment["AIRFLOW_CONN_BITRIX24"])["password"] == "s3cr3t%token"
    assert "B24_WEBHOOK_TOKEN" not in environment, "tasks read connections only"

    before = supervisor.components()
    assert up(runtime, SILENT) == running, "a second up changes nothing"
    assert supervisor.components() == before

    scheduler = next(one for one in before if one.name == "scheduler")
    psutil.Process(scheduler.pid).kill()
    assert eventually(lambda: scheduler.pid not in {one.pid for one in supervisor.components() if one.pid})
    assert eventually(lambda: {one.state for one in supervisor.components()} == {"RUNNING"})

    server = postgres.running_pid(runtime.postgres)
    assert server is not None
    psutil.Process(server).kill()
    assert eventually(lambda: postgres.running_pid(runtime.postgres) not in (None, server))
    assert eventually(lambda: not sick_parts(running.url)), "the other components reconnect"
    assert "CALL_EXPORT_RUNTIME" not in psutil.Process(postgres.running_pid(runtime.postgres)).environ()

    secret_free = [file for file in (runtime.logs).rglob("*") if file.is_file()]
    assert secret_free
    assert not [file for file in secret_free if b"s3cr3t%token" in file.read_bytes()]

    psutil.Process(int((runtime.home / "supervisord.pid").read_text())).kill()  # the components lose their supervisor
    down(runtime, SILENT)
    assert processes_of(runtime) == []
    down(runtime, SILENT)


def test_a_used_port_names_the_variable(runtime: Runtime) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (runtime.root / ".env").write_text(f"{SETTINGS}AIRFLOW_PORT={port}\n", encoding="utf-8")
        with pytest.raises(NotConfigured, match=rf"^AIRFLOW_PORT: port {port} is in use"):
            up(runtime, SILENT)
    assert not runtime.postgres.exists(), "the check is before any start"


def test_a_command_needs_a_running_system(runtime: Runtime) -> None:
    with pytest.raises(NotConfigured, match="make up"):
        running_environment(runtime)


def test_bad_settings_start_nothing(runtime: Runtime) -> None:
    (runtime.root / ".env").write_text(f"{SETTINGS}REQUIRE_PROXY=true\n", encoding="utf-8")
    with pytest.raises(NotConfigured, match=r"^CHATGPT_PROXY_URL"):
        up(runtime, SILENT)
    assert [path for path in (runtime.root / "var").rglob("*") if path.is_file()] == [runtime.schedule_allowed]
    assert not Supervisor(runtime).components()
