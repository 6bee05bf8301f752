"""`make demo`: the whole system on an unprepared machine, against a simulated portal and recogniser.

It is a profile (`var/demo`) with its own databases, files and secrets; `.env` and the environment are not read.
"""

import csv
import os
import subprocess
import sys
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table
from rich.text import Text

from include.common.errors import ExportError
from ops.one_machine import postgres
from ops.one_machine.down import down
from ops.one_machine.simulated_services import simulate
from ops.one_machine.up import Running, running_environment, up
from ops.settings.env_file import FROM_FILES, VARIABLES, load_settings
from ops.settings.generated_secrets import generated
from ops.settings.profile import Runtime
from ops.wording import launcher as wording

DAYS = (date(2025, 8, 1), date(2025, 8, 2))
CALLS = 60
ROWS_SHOWN = 10
COLUMNS = ("datetime_start", "direction", "employee", "duration_sec", "status", "text_preview")
LAST_RUN = "SELECT * FROM call_exports ORDER BY started_at DESC NULLS LAST LIMIT 1"
# the longest one with both voices: something to hear
CALL_SHOWN = """
SELECT own.recording_id FROM recordings own JOIN transcripts USING (transcript_id)
 WHERE own.status = 'completed' AND own.raw_path IS NOT NULL
 ORDER BY transcripts.roles = 'channels' DESC, own.duration_sec DESC, own.recording_id LIMIT 1
"""


def demo(console: Console, *, scores: bool = False) -> None:
    """Returns if the run completed, else raises ExportError. The system keeps running.

    `scores`: with scores of the calls, which need the packages of the language models.
    """
    runtime = Runtime("demo")
    for name in (VARIABLES | FROM_FILES.keys()) & set(os.environ):  # a demo must not send requests to a real portal
        del os.environ[name]
    down(runtime, console)
    runtime.make()
    portal, recogniser = _simulators(runtime, console, scores=scores)
    running = up(runtime, console)
    code = _export(runtime, console)
    _show(runtime, console, running)
    if code != 0:
        raise ExportError(
            f"the export ended with exit status {code}; see {runtime.logs}",
            problem="demo_failed",
            status=code,
            logs=runtime.logs,
        )
    if scores:
        _score(runtime, console, running)
    else:
        console.print(wording.SCORES_LATER)
    console.print(wording.SIMULATED.format(portal=portal, recogniser=recogniser))


def _simulators(runtime: Runtime, console: Console, *, scores: bool) -> tuple[str, str]:
    first, last = DAYS
    recordings = os.environ.get("DEMO_RECORDINGS_DIR")
    simulated = simulate(
        runtime,
        portal=(
            *("--from", str(first), "--to", str(last), "--calls", str(CALLS)),
            *(("--recordings-dir", str(Path(recordings).resolve())) if recordings else ()),
        ),
        recogniser=(),
        **({"QUALITY_ENABLED": "true"} if scores else {}),
    )
    console.print(wording.SIMULATORS_RUN)
    return simulated.portal, simulated.recogniser


def _export(runtime: Runtime, console: Console) -> int:
    first, last = DAYS
    console.print(wording.EXPORTING.format(first=first, last=last))
    command = [sys.executable, "-m", "jobs.call_export", "--from", str(first), "--to", str(last)]
    return subprocess.run(command, env=running_environment(runtime), cwd=runtime.root, check=False).returncode


def _score(runtime: Runtime, console: Console, running: Running) -> None:
    """Scores of the texts by the simulated language model; returns when they are there."""
    first, last = DAYS
    console.print(wording.SCORING)
    command = [sys.executable, "-m", "jobs.quality", "score", "--from", str(first), "--to", str(last), "--wait"]
    ended = subprocess.run(command, env=running_environment(runtime), cwd=runtime.root, check=False).returncode
    if ended != 0:
        raise ExportError(
            f"the scores ended with exit status {ended}; see {runtime.logs}",
            problem="demo_scores_failed",
            status=ended,
            logs=runtime.logs,
        )
    console.print(wording.SCORES.format(url=running.url))


def _show(runtime: Runtime, console: Console, running: Running) -> None:
    run = _row(runtime, LAST_RUN)
    folder = runtime.storage / "exports" / f"{DAYS[0]}_{DAYS[1]}"
    for registry in sorted(folder.glob("registry/*.csv"))[-1:]:
        console.print(_head(registry))
    if run:
        console.print(wording.TOTALS.format(**run))
    console.print(wording.FILES.format(folder=folder))
    console.print(wording.INTERFACE.format(url=running.url, login=running.login, password=running.password))
    if call := _row(runtime, CALL_SHOWN):
        console.print(wording.CALL.format(url=running.url, call=call["recording_id"]))


def _head(registry: Path) -> Table:
    table = Table(title=wording.FIRST_ROWS.format(file=registry.name, rows=ROWS_SHOWN))
    for column in COLUMNS:
        table.add_column(column, no_wrap=True, overflow="ellipsis", max_width=48)
    with registry.open(encoding="utf-8-sig", newline="") as file:
        for row in islice(csv.DictReader(file, delimiter=";"), ROWS_SHOWN):
            table.add_row(
                *(Text(" ".join(row[column].split())) for column in COLUMNS)
            )  # Text: rich does not read markup in it
    return table


def _row(runtime: Runtime, query: LiteralString) -> dict[str, Any] | None:
    settings = load_settings(runtime.env_file)
    databases = postgres.located(settings, runtime, generated(runtime, settings))
    with psycopg.connect(databases.state_url, row_factory=dict_row) as connection:
        return connection.execute(query).fetchone()
