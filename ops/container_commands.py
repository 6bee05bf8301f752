"""What the entry point of the containers does itself; the text of each command is in `ops/wording/launcher.py`.

These commands need the settings. Any other command gets the environment of Airflow's processes, which has none.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import psycopg
import typer
import yaml
from rich.console import Console
from typer.main import get_group

from include.calls.state.rights import Role
from include.clients.postgresql.dumps import libpq_environment, tool_of
from include.common.errors import NotConfigured
from ops.alert_routes import alertmanager_files
from ops.backups import BackupsOfSystem
from ops.prepare import make_roles, prepare
from ops.settings import databases
from ops.settings.airflow_environment import local_url, process_environment
from ops.settings.connections import metrics_token
from ops.settings.database_roles import as_role, made
from ops.settings.env_file import COMPOSE_ONLY, Settings
from ops.settings.generated_secrets import ADMIN, Generated, write_private
from ops.settings.profile import REPOSITORY, Runtime
from ops.wording import launcher as wording
from ops.worker import entry

commands = typer.Typer(add_completion=False, help=wording.CONTAINER, pretty_exceptions_enable=False)
READABLE = 0o444  # for the other users of the containers that mount it, and of no other container


@dataclass(frozen=True)
class System:
    """The system that a container belongs to; `database_url` is that of the settings, with its password."""

    settings: Settings
    runtime: Runtime
    keys: Generated
    database_url: str
    api_url: str
    console: Console

    @property
    def base_url(self) -> str:
        """Where people find Airflow."""
        return os.environ.get("AIRFLOW__API__BASE_URL") or local_url(self.settings, self.runtime.env_file)


def names() -> set[str]:
    return set(get_group(commands).commands)


@commands.command(help=wording.CONTAINER_COMMANDS["init"])
def init(ctx: typer.Context) -> None:
    system: System = ctx.obj
    found = databases.prepared(system.database_url, system.settings.airflow_database)
    make_roles(found, system.runtime, system.keys, system.console)
    environment = process_environment(system.settings, system.runtime, system.keys, found, system.api_url)
    prepare(system.settings, system.runtime, found, environment, system.console)
    host = str(psycopg.conninfo.conninfo_to_dict(system.database_url).get("host", ""))
    system.console.print(wording.CONTAINERS_PREPARED.format(files=_files_of(system), database=host))


@commands.command(help=wording.CONTAINER_COMMANDS["login"])
def login(ctx: typer.Context) -> None:
    system: System = ctx.obj
    text = wording.READY.format(url=system.base_url, login=ADMIN, password=system.keys.admin_password)
    system.console.print(text, markup=False)


@commands.command(help=wording.CONTAINER_COMMANDS["pg"], context_settings={"ignore_unknown_options": True})
def pg(
    ctx: typer.Context,
    tool: Literal["psql", "pg_dump", "pg_restore"],
    arguments: Annotated[list[str] | None, typer.Argument()] = None,
    role: Annotated[Literal["app", "read", "metrics"] | None, typer.Option(help=wording.ROLE)] = None,
) -> None:
    system: System = ctx.obj
    url = system.database_url
    if role and made(system.runtime):
        url = as_role(databases.located(url, system.settings.airflow_database), Role(role), system.keys)
    try:
        with psycopg.connect(url, connect_timeout=databases.CONNECT_SECONDS) as connection:
            program = tool_of(tool, connection.info.server_version // 10_000)
    except psycopg.OperationalError:
        raise NotConfigured(
            "DATABASE_URL: the server does not answer or refuses the login", problem="database_unreachable"
        ) from None
    os.umask(0o077)  # a dump holds conversations
    os.execve(program, [tool, *(arguments or [])], {**os.environ, **libpq_environment(url)})  # noqa: S606 - no shell


@commands.command(help=wording.CONTAINER_COMMANDS["worker"])
def worker(ctx: typer.Context) -> None:
    system: System = ctx.obj
    found = databases.located(system.database_url, system.settings.airflow_database)
    environment = process_environment(system.settings, system.runtime, system.keys, found, system.api_url)
    become(entry(system.settings), environment)


@commands.command(help=wording.COMMANDS["backup"])
def backup(ctx: typer.Context) -> None:
    _backups(ctx.obj).back_up()


@commands.command("verify-backup", help=wording.COMMANDS["verify-backup"])
def verify_backup(
    ctx: typer.Context,
    backup_id: Annotated[str, typer.Argument()] = "latest",
    files: Annotated[bool, typer.Option(help=wording.EVERY_FILE)] = False,
) -> None:
    _backups(ctx.obj).verify(backup_id, every_pack=files)


@commands.command(help=wording.COMMANDS["restore"])
def restore(
    ctx: typer.Context,
    backup_id: str,
    into: Annotated[str, typer.Option(help=wording.RESTORE_INTO)] = "",
    aside: Annotated[bool, typer.Option(help=wording.RESTORE_ASIDE)] = False,
    files: Annotated[bool, typer.Option(help=wording.RESTORE_FILES)] = True,
) -> None:
    _backups(ctx.obj).restore(backup_id, into=into, aside=aside, files=files)


@commands.command(help=wording.CONTAINER_COMMANDS["monitoring"])
def monitoring(
    ctx: typer.Context,
    folder: Path = REPOSITORY / "monitoring",
    template: Path = REPOSITORY / "ops" / "monitoring" / "alertmanager.yml",
) -> None:
    system: System = ctx.obj
    written = {name: os.environ.get(name, "") for name in COMPOSE_ONLY}
    slack = system.settings.slack_webhook_url
    written["SLACK_WEBHOOK_URL"] = slack.get_secret_value() if slack else ""
    mail = system.settings.smtp_url
    written["SMTP_URL"] = mail.get_secret_value() if mail else ""
    files = alertmanager_files(yaml.safe_load(template.read_text(encoding="utf-8")), written) | {
        "metrics_token": metrics_token(system.settings, system.keys),
        "grafana_admin_password": written["GRAFANA_ADMIN_PASSWORD"] or system.keys.admin_password,
    }
    for name, text in files.items():
        write_private(folder / name, text)
        (folder / name).chmod(READABLE)
    system.console.print(wording.MONITORING_WRITTEN)


def become(command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Signals reach the command through dumb-init, and process 1 keeps no setting that tasks must not read."""
    first = shutil.which("dumb-init")
    whole = [first, "--", *command] if first else list(command)
    os.execvpe(whole[0], whole, environment)  # noqa: S606 - no shell


def _backups(system: System) -> BackupsOfSystem:
    found = databases.prepared(system.database_url, system.settings.airflow_database)
    return BackupsOfSystem(system.settings, system.runtime, found, system.console)


def _files_of(system: System) -> str:
    settings = system.settings
    if settings.storage_backend == "local":
        return str(settings.local_storage_dir or system.runtime.storage)
    return f"s3://{settings.s3_bucket} ({settings.s3_endpoint_url or 'AWS'})"
