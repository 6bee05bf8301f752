"""`make demo`: the whole system on a machine where nothing is prepared, against a simulated portal and recogniser.

Its own profile (`var/demo`): own databases, files and secrets; the settings of the person who runs it are not read.
"""

import csv
import json
import os
import secrets
import socket
import subprocess
import sys
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table
from rich.text import Text

from include.domain.errors import ExportError
from ops import postgres
from ops.airflow_env import HOST
from ops.down import down
from ops.generated import generated, write_private
from ops.runtime import Runtime
from ops.settings import VARIABLES, load_settings
from ops.supervisor import SIMULATOR_MARK
from ops.up import Running, running_environment, up

DAYS = (date(2025, 8, 1), date(2025, 8, 2))
CALLS = 60
ROWS_SHOWN = 10
COLUMNS = ("datetime_start", "direction", "employee", "duration_sec", "status", "text_preview")
LAST_RUN = "SELECT * FROM call_exports ORDER BY started_at DESC NULLS LAST LIMIT 1"


def demo(console: Console) -> None:
    """Returns where the run completed; raises ExportError where it did not. Leaves everything running."""
    runtime = Runtime("demo")
    for name in VARIABLES & set(os.environ):  # a real portal must never be asked by a demonstration
        del os.environ[name]
    down(runtime, console)
    runtime.make()
    portal, recogniser = _simulators(runtime, console)
    running = up(runtime, console)
    code = _export(runtime, console)
    _show(runtime, console, running)
    if code != 0:
        raise ExportError(f"Выгрузка не завершена (код {code}); журналы: {runtime.logs}.")
    console.print(f"Портал {portal} и распознаватель {recogniser} — имитация; остановить всё: make down")


def _simulators(runtime: Runtime, console: Console) -> tuple[str, str]:
    token, key = secrets.token_hex(8), f"demo-{secrets.token_hex(8)}"
    first, last = DAYS
    recordings = os.environ.get("DEMO_RECORDINGS_DIR")
    portal = _started(
        runtime,
        "portal",
        *("--webhook-user", "1", "--token", token, "--from", str(first), "--to", str(last), "--calls", str(CALLS)),
        *(("--recordings-dir", str(Path(recordings).resolve())) if recordings else ()),
    )
    recogniser = _started(runtime, "recogniser", "--key", key)
    values = {
        "B24_BASE_URL": portal,
        "B24_WEBHOOK_USER_ID": "1",
        "B24_WEBHOOK_TOKEN": token,
        "RECORDING_HOSTS": portal.removeprefix("http://"),
        "OPENAI_BASE_URL": f"{recogniser}/v1",
        "OPENAI_API_KEY": key,
        "AIRFLOW_PORT": str(_free_port()),
    }
    write_private(runtime.env_file, "".join(f"{name}={value}\n" for name, value in values.items()))
    console.print("Имитация портала и распознавателя работает")
    return portal, recogniser


def _started(runtime: Runtime, name: str, *options: str) -> str:
    """Starts a simulator in the background; its URL. `make down` finds it by the mark in its environment."""
    with (runtime.logs / f"simulated-{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "simulators", name, *options],
            env=os.environ | {SIMULATOR_MARK: str(runtime.home)},
            cwd=runtime.root,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert process.stdout is not None  # noqa: S101 - PIPE above
    line = process.stdout.readline()
    if not line:
        raise ExportError(f"Имитация ({name}) не запустилась, журнал: {log.name}.")
    return str(json.loads(line)["url"])


def _export(runtime: Runtime, console: Console) -> int:
    first, last = DAYS
    console.print(f"Выгрузка {first} — {last}")
    command = [sys.executable, "-m", "jobs.call_export", "--from", str(first), "--to", str(last)]
    return subprocess.run(command, env=running_environment(runtime), cwd=runtime.root, check=False).returncode


def _show(runtime: Runtime, console: Console, running: Running) -> None:
    run = _last_run(runtime)
    folder = runtime.storage / "exports" / f"{DAYS[0]}_{DAYS[1]}"
    for registry in sorted(folder.glob("registry/*.csv"))[-1:]:
        console.print(_head(registry))
    if run:
        console.print(
            f"Звонков {run['total_calls']}, текстов {run['completed_calls']}, ошибок {run['error_calls']}; "
            f"минут {run['total_minutes']:.1f}, стоимость текстов ${run['total_cost']:.4f}, "
            f"потрачено этим запуском ${run['spent_cost']:.4f}; состояние: {run['status']}"
        )
    console.print(f"Файлы:     {folder}")
    console.print(f"Интерфейс: {running.url}  вход: {running.login} / {running.password}")


def _head(registry: Path) -> Table:
    table = Table(title=f"{registry.name}, первые {ROWS_SHOWN} строк")
    for column in COLUMNS:
        table.add_column(column, no_wrap=True, overflow="ellipsis", max_width=48)
    with registry.open(encoding="utf-8-sig", newline="") as file:
        for row in islice(csv.DictReader(file, delimiter=";"), ROWS_SHOWN):
            table.add_row(*(Text(" ".join(row[column].split())) for column in COLUMNS))  # Text: never rich's markup
    return table


def _last_run(runtime: Runtime) -> dict[str, Any] | None:
    databases = postgres.located(load_settings(runtime.env_file), runtime, generated(runtime))
    with psycopg.connect(databases.state_url, row_factory=dict_row) as connection:
        return connection.execute(LAST_RUN).fetchone()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
