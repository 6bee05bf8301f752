"""What a system needs before its first process starts, on one machine and in containers alike."""

import json
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from include.calls.state.migrate import migrate
from include.calls.state.rights import as_owner, grant
from include.common.errors import ExportError
from ops.backups import BackupsOfSystem, migration_is_due, record, remember_migration
from ops.settings import database_roles
from ops.settings.connections import metrics_token
from ops.settings.databases import Databases, mark
from ops.settings.env_file import Settings
from ops.settings.generated_secrets import ADMIN, SECURITY, TASKS, Generated, generated, write_private
from ops.settings.pools import pools
from ops.settings.profile import Runtime
from ops.wording import launcher as wording
from ops.wording import settings as settings_wording

LINES_SHOWN = 40


def make_roles(databases: Databases, runtime: Runtime, keys: Generated, console: Console) -> None:
    """Before the environment is made: it names the roles with which processes log in."""
    if not database_roles.make_roles(databases, runtime, keys):
        console.print(settings_wording.WARNING.format(text=settings_wording.NO_DATABASE_ROLES))


def prepare(
    settings: Settings,
    runtime: Runtime,
    databases: Databases,
    environment: Mapping[str, str],
    console: Console,
) -> None:
    """Migrates both schemas, imports the pools, and writes the metrics token to a file for Prometheus.

    Where backups are configured, a migration of existing data begins with one.
    """
    write_private(runtime.home / "metrics_token", metrics_token(settings, generated(runtime, settings)))
    saved = None
    if settings.backup_url and migration_is_due(databases, runtime):
        saved = BackupsOfSystem(settings, runtime, databases, console).before_migration()
    with console.status(wording.SCHEMAS):
        if database_roles.made(runtime):
            migrate(as_owner(databases.state_url))
            grant(databases.state_url)
        else:
            migrate(databases.state_url)
        mark(databases)
        _airflow(["db", "migrate"], environment, runtime)
    remember_migration(runtime)
    if saved is not None:
        record(saved, databases)
    console.print(wording.SCHEMAS_READY)
    with console.status(wording.POOLS_IMPORT):
        file = runtime.home / "pools.json"
        file.write_text(json.dumps(pools(settings), ensure_ascii=False), encoding="utf-8")
        _airflow(["pools", "import", str(file)], environment, runtime)
    if settings.auth_manager == "fab":
        with console.status(wording.AIRFLOW_ROLES):
            make_airflow_roles(environment, runtime, generated(runtime, settings))
        console.print(wording.AIRFLOW_ROLES_READY)


def make_airflow_roles(environment: Mapping[str, str], runtime: Runtime, keys: Generated) -> None:
    """Makes FAB's roles of this product and the installation's own accounts; safe to repeat."""
    accounts = [
        {"login": ADMIN, "password": keys.admin_password, "role": "Admin"},
        {"login": SECURITY, "password": keys.security_password, "role": "Security Officer"},
        {"login": TASKS, "password": keys.tasks_password, "role": "Call Tasks"},
    ]
    log = runtime.logs / "setup.log"
    if not _succeeds(["-m", "plugins.web.fab_roles"], environment, runtime, log, stdin=json.dumps(accounts)):
        raise ExportError(f"the roles in Airflow were not made, see {log}", problem="airflow_roles", log=log)


def _airflow(arguments: list[str], environment: Mapping[str, str], runtime: Runtime) -> None:
    """Runs one command of Airflow's own CLI."""
    log = runtime.logs / "setup.log"
    if not _succeeds(["-m", "airflow", *arguments], environment, runtime, log):
        command = " ".join(arguments[:2])
        raise ExportError(f"airflow {command} failed, see {log}", problem="airflow_command", command=command, log=log)


def _succeeds(
    arguments: list[str], environment: Mapping[str, str], runtime: Runtime, log: Path, stdin: str = ""
) -> bool:
    """Runs Python with `arguments`; its output is added to `log`, whose end is shown if it fails.

    Passwords go in by `stdin`: argv is public.
    """
    with log.open("ab") as out:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=dict(environment),
            cwd=runtime.root,
            input=stdin.encode(),
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        with log.open(encoding="utf-8", errors="replace") as lines:
            print("".join(deque(lines, LINES_SHOWN)), file=sys.stderr)  # the log of a container dies with it
    return done.returncode == 0
