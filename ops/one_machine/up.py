"""`make up`: settings -> PostgreSQL -> schemas -> pools -> Airflow in the background -> healthy."""

import hashlib
import json
import socket
from dataclasses import dataclass

from rich.console import Console

from include.calls.names import STATE_CONN
from include.common.errors import NotConfigured
from include.common.names import AIRFLOW_API_CONN
from ops.one_machine import postgres
from ops.one_machine.first_night import ask_about_first_night, hold_new_schedule
from ops.one_machine.health import wait_healthy
from ops.one_machine.supervisor import Supervisor
from ops.prepare import make_airflow_roles, make_roles, prepare
from ops.settings import embedded_clickhouse
from ops.settings.airflow_environment import HOST, airflow_environment, local_url, process_environment
from ops.settings.database_roles import in_use
from ops.settings.databases import Databases
from ops.settings.encrypted_disk import require_encrypted_disk
from ops.settings.env_file import Settings, load_settings, warnings
from ops.settings.generated_secrets import ADMIN, Generated, generated, write_private
from ops.settings.profile import Runtime
from ops.settings.transport import require_protection
from ops.wording import launcher as wording
from ops.wording import settings as settings_wording

_NOT_RUNNING = Databases("postgresql:///call_export", "postgresql:///airflow")  # addresses of no server


@dataclass(frozen=True)
class Running:
    """A system that is up and healthy."""

    url: str
    login: str
    password: str


def up(runtime: Runtime, console: Console, *, schedule: bool = False) -> Running:
    """Starts the profile where it does not run, and waits until it is healthy.

    A new system shows the forecast of its first night and asks before the schedule may spend; `schedule`: it may.

    Raises NotConfigured before any process starts where a setting is missing or unusable, ExportError where a component
    does not start.
    """
    settings = load_settings(runtime.env_file)
    require_protection(settings)
    require_encrypted_disk(settings, runtime)
    for text in warnings(settings, runtime.env_file):
        console.print(settings_wording.WARNING.format(text=text))
    runtime.make()
    keys = generated(runtime, settings)
    supervisor = Supervisor(runtime)
    if not supervisor.components():
        _start(settings, runtime, keys, supervisor, console)
    elif _settings_print(settings, runtime) != _started_with(runtime):
        console.print(settings_wording.WARNING.format(text=settings_wording.SETTINGS_CHANGED))
    wait_healthy(runtime, local_url(settings, runtime.env_file), keys.tasks_password, supervisor, console)
    databases = postgres.located(settings, runtime, keys)
    ask_about_first_night(settings, runtime, in_use(databases, runtime, keys), console, allowed=schedule)
    return Running(local_url(settings, runtime.env_file), ADMIN, keys.admin_password)


def running_environment(runtime: Runtime) -> dict[str, str]:
    """The environment of the profile's processes, for one more command.

    Raises NotConfigured where the system does not run.
    """
    settings = load_settings(runtime.env_file)
    if not Supervisor(runtime).components():
        raise NotConfigured("the system does not run: run make up first", problem="not_running")
    keys = generated(runtime, settings)
    databases = postgres.located(settings, runtime, keys)
    return process_environment(settings, runtime, keys, databases, by_person=True)


def make_roles_again(runtime: Runtime, console: Console) -> None:
    """`make roles`: FAB's roles as this release has them, on the running system.

    Raises NotConfigured where the system does not run or its auth manager has no roles.
    """
    settings = load_settings(runtime.env_file)
    if settings.auth_manager != "fab":
        raise NotConfigured("AUTH_MANAGER is not fab: there are no roles to make", problem="no_fab")
    make_airflow_roles(running_environment(runtime), runtime, generated(runtime, settings))
    console.print(wording.AIRFLOW_ROLES_READY)


def environment_before_start(runtime: Runtime, console: Console) -> dict[str, str]:
    """The same, for a command that also works without the system; connections that need it are then left out.

    Raises NotConfigured where `up` would.
    """
    settings = load_settings(runtime.env_file)
    require_protection(settings)
    require_encrypted_disk(settings, runtime)
    for text in warnings(settings, runtime.env_file):
        console.print(settings_wording.WARNING.format(text=text))
    if Supervisor(runtime).components():
        return running_environment(runtime)
    runtime.make()
    keys = generated(runtime, settings)
    absent = [AIRFLOW_API_CONN]
    if settings.database_url is None and postgres.running_pid(runtime.postgres) is None:
        databases = _NOT_RUNNING
        absent.append(STATE_CONN)
    else:
        databases = postgres.located(settings, runtime, keys)
    environment = process_environment(settings, runtime, keys, databases, by_person=True)
    for connection in absent:
        del environment[f"AIRFLOW_CONN_{connection.upper()}"]
    return environment


def _start(settings: Settings, runtime: Runtime, keys: Generated, supervisor: Supervisor, console: Console) -> None:
    _check_port(settings.airflow_port)
    supervisor.end_leftovers()
    with console.status(wording.POSTGRES_STARTS):
        databases = postgres.start(settings, runtime, keys)
    console.print(wording.POSTGRES_RUNS)
    make_roles(databases, runtime, keys, console)
    environment = process_environment(settings, runtime, keys, databases)
    prepare(settings, runtime, databases, environment, console)
    hold_new_schedule(settings, runtime, databases)
    embedded = settings.sales_configured and not settings.ch_host
    if embedded:
        environment[embedded_clickhouse.PASSWORD_VARIABLE] = embedded_clickhouse.password(keys)
    supervisor.start(
        environment,
        keep_postgres=settings.database_url is None,
        clickhouse_port=embedded_clickhouse.port(runtime) if embedded else None,
        health_port=settings.zakaz_health_port if settings.sales_configured else None,
    )
    if settings.sales_configured:
        from ops.warehouse import apply_warehouse_schema  # its client is a package of requirements-sales.in

        with console.status(wording.WAREHOUSE_SCHEMA):
            apply_warehouse_schema(settings, runtime, keys)
        if embedded:
            console.print(settings_wording.WARNING.format(text=settings_wording.EMBEDDED_CLICKHOUSE))
    write_private(runtime.home / "started_with", _settings_print(settings, runtime))


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the api-server does
        try:
            probe.bind((HOST, port))
        except OSError:
            raise NotConfigured(f"AIRFLOW_PORT: port {port} is in use", problem="port_taken", port=port) from None


def _settings_print(settings: Settings, runtime: Runtime) -> str:
    """A hash that shows whether settings have changed, without storing them."""
    environment = airflow_environment(
        settings, runtime, generated(runtime, settings), state_url="dbname=a", metadata_url="dbname=a"
    )
    database = settings.database_url.get_secret_value() if settings.database_url else ""
    return hashlib.sha256(json.dumps([environment, database], sort_keys=True).encode()).hexdigest()


def _started_with(runtime: Runtime) -> str:
    file = runtime.home / "started_with"
    return file.read_text(encoding="utf-8") if file.exists() else ""
