"""`make up`: settings -> PostgreSQL -> schemas -> pools -> Airflow in the background -> healthy."""

import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console

from include.calls.state.migrate import migrate
from include.common.errors import ExportError, NotConfigured
from ops.one_machine import postgres
from ops.one_machine.health import wait_healthy
from ops.one_machine.supervisor import Supervisor
from ops.settings.airflow_environment import HOST, airflow_environment, local_url, pools
from ops.settings.connections import metrics_token
from ops.settings.generated_secrets import ADMIN, Generated, generated, write_private
from ops.settings.profile import Runtime
from ops.settings.variables import VARIABLES, Settings, load_settings, warnings


@dataclass(frozen=True)
class Running:
    """A system that is up and healthy."""

    url: str
    login: str
    password: str


def up(runtime: Runtime, console: Console) -> Running:
    """Starts the profile, or finds it started; returns when it is healthy.

    Raises NotConfigured before anything is started where a setting is missing or unusable, ExportError where a part
    does not come up.
    """
    settings = load_settings(runtime.env_file)
    for text in warnings(settings, runtime.env_file):
        console.print(f"[yellow]Внимание:[/] {text}")
    runtime.make()
    keys = generated(runtime)
    supervisor = Supervisor(runtime)
    if not supervisor.components():
        _start(settings, runtime, keys, supervisor, console)
    elif _settings_print(settings, runtime) != _started_with(runtime):
        console.print("[yellow]Внимание:[/] настройки изменились после запуска; их применят make down и make up.")
    wait_healthy(runtime, local_url(settings), keys.admin_password, supervisor, console)
    return Running(local_url(settings), ADMIN, keys.admin_password)


def running_environment(runtime: Runtime) -> dict[str, str]:
    """The environment of the profile's processes, for one more command beside them.

    Raises NotConfigured where the system is not up.
    """
    settings = load_settings(runtime.env_file)
    if not Supervisor(runtime).components():
        raise NotConfigured("Система не запущена: сначала make up.")
    keys = generated(runtime)
    databases = postgres.located(settings, runtime, keys)
    return process_environment(settings, runtime, keys, databases)


def _start(settings: Settings, runtime: Runtime, keys: Generated, supervisor: Supervisor, console: Console) -> None:
    _check_port(settings.airflow_port)
    supervisor.end_leftovers()
    with console.status("PostgreSQL..."):
        databases = postgres.start(settings, runtime, keys)
    console.print("PostgreSQL работает")
    environment = process_environment(settings, runtime, keys, databases)
    prepare(settings, runtime, databases, environment, console)
    supervisor.start(environment, keep_postgres=settings.database_url is None)
    write_private(runtime.home / "started_with", _settings_print(settings, runtime))


def prepare(
    settings: Settings,
    runtime: Runtime,
    databases: postgres.Databases,
    environment: Mapping[str, str],
    console: Console,
) -> None:
    """Both schemas at their newest, both pools as the settings say, the token in a file for Prometheus."""
    write_private(runtime.home / "metrics_token", metrics_token(settings, generated(runtime)))
    with console.status("Схемы баз данных..."):
        migrate(databases.state_url)
        _airflow(["db", "migrate"], environment, runtime)
    console.print("Схемы баз данных готовы")
    with console.status("Пулы..."):
        file = runtime.home / "pools.json"
        file.write_text(json.dumps(pools(settings), ensure_ascii=False), encoding="utf-8")
        _airflow(["pools", "import", str(file)], environment, runtime)


def _airflow(arguments: list[str], environment: Mapping[str, str], runtime: Runtime) -> None:
    """One command of Airflow's own CLI; its output goes to `logs/setup.log`."""
    log = runtime.logs / "setup.log"
    with log.open("ab") as out:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=dict(environment),
            cwd=runtime.root,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        raise ExportError(f"airflow {arguments[0]} {arguments[1]} не удалось, подробности: {log}.")


def process_environment(
    settings: Settings,
    runtime: Runtime,
    keys: Generated,
    databases: postgres.Databases,
    api_url: str | None = None,
) -> dict[str, str]:
    """The whole environment of a process of the system."""
    # tasks read connections only: the variables with secrets end here (D27)
    inherited = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    ours = airflow_environment(
        settings,
        runtime,
        keys,
        state_url=databases.state_url,
        metadata_url=databases.metadata_url,
        api_url=api_url,
    )
    return inherited | ours


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the api-server itself does
        try:
            probe.bind((HOST, port))
        except OSError:
            raise NotConfigured(f"AIRFLOW_PORT: порт {port} занят; укажите в .env свободный.") from None


def _settings_print(settings: Settings, runtime: Runtime) -> str:
    """Tells two sets of settings apart without keeping them."""
    environment = airflow_environment(
        settings, runtime, generated(runtime), state_url="dbname=a", metadata_url="dbname=a"
    )
    database = settings.database_url.get_secret_value() if settings.database_url else ""
    return hashlib.sha256(json.dumps([environment, database], sort_keys=True).encode()).hexdigest()


def _started_with(runtime: Runtime) -> str:
    file = runtime.home / "started_with"
    return file.read_text(encoding="utf-8") if file.exists() else ""
