"""A whole system to be measured: Airflow, PostgreSQL and steps are real, the outside systems are simulated."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import psycopg
import requests
import typer
from rich.console import Console

from include.calls.names import DAG_ID
from include.common.errors import ExportError
from ops.one_machine import postgres
from ops.one_machine.down import down
from ops.one_machine.simulated_services import Simulated, simulate
from ops.one_machine.up import running_environment, up
from ops.settings.databases import Databases
from ops.settings.env_file import VARIABLES, load_settings
from ops.settings.generated_secrets import generated
from ops.settings.profile import Runtime

PROFILE = "bench"
FIRST_DAY, LAST_DAY_BUT_ONE, LAST_DAY = "2025-06-01", "2025-07-29", "2025-07-30"
ROUND_OF_CALLS, ROUND_OF_RECORDINGS = 20, 16  # of the simulated portal's world
RPS, BUCKET = 2.0, 50
POLL_SECONDS = 0.5
ENDED = ("success", "failed")

# Options of the measuring commands
Calls = Annotated[int, typer.Option(help="recordings in 60 days, rounded up to a whole number of rounds of 16")]
Speed = Annotated[
    float, typer.Option(help="compression: portal and recogniser are so many times faster than real ones")
]
Slots = Annotated[int, typer.Option(help="concurrent requests at the recogniser")]
Latency = Annotated[float, typer.Option(help="seconds of recognition per minute of audio, uncompressed")]
Timeout = Annotated[float, typer.Option(help="seconds to wait for each of the runs")]
Mono = Annotated[bool, typer.Option(help="recordings of one channel: a tenth of the requests")]

_DAG_RUNS = f"SELECT state, start_date, end_date, queued_at FROM dag_run WHERE dag_id = '{DAG_ID}' ORDER BY id"


@dataclass(frozen=True, slots=True)
class Load:
    """`calls` are recordings of one minute in 60 days; `latency`: seconds per minute of audio, before compression.

    `speed`: portal and recogniser are so many times faster than real ones. `timeout`: seconds to wait for a run.
    `mono`: recordings have one channel, so a call takes one or two requests and not one for each speaker turn.
    """

    calls: int
    speed: float
    slots: int
    latency: float
    timeout: float
    mono: bool

    @property
    def kind(self) -> str:
        return f"{self.calls} {'mono' if self.mono else 'mixed'} calls of one minute, compression {self.speed:g}"


@dataclass(frozen=True, slots=True)
class Work:
    """What was sent so far: requests to the portal, requests to the recogniser, seconds of audio."""

    requests: int = 0
    pieces: int = 0
    audio_sec: float = 0.0

    def since(self, before: "Work") -> "Work":
        return Work(self.requests - before.requests, self.pieces - before.pieces, self.audio_sec - before.audio_sec)

    def bounds(self, load: Load) -> tuple[float, float]:
        """Seconds that the portal and the recogniser need at least."""
        return self.requests / (RPS * load.speed), self.audio_sec / 60 * load.latency / load.speed / load.slots


@dataclass(frozen=True, slots=True)
class System:
    """A running profile with its simulators."""

    load: Load
    runtime: Runtime
    simulated: Simulated
    urls: Databases

    def work(self) -> Work:
        portal, recogniser = _journal(self.simulated.portal), _journal(self.simulated.recogniser)
        sent = sum(entry["where"] not in ("storage", "") and not entry["inner"] for entry in portal)
        audio = [float(entry["detail"].get("seconds", 0)) for entry in recogniser if entry["where"] == "transcriptions"]
        return Work(sent, len(audio), sum(audio))

    def trigger(self, last_day: str, first_day: str = FIRST_DAY) -> None:
        command = [sys.executable, "-m", "jobs.call_export", "--no-follow", "--from", first_day, "--to", last_day]
        done = subprocess.run(
            command,
            env=running_environment(self.runtime),
            cwd=self.runtime.root,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise ExportError(f"the run was not triggered: {done.stdout[-500:]}{done.stderr[-500:]}")

    def ended(self, number: int) -> tuple[str, datetime, datetime]:
        """State, beginning and end of the n-th DAG run."""
        deadline = time.monotonic() + self.load.timeout
        while time.monotonic() < deadline:
            runs = self.ask_airflow(_DAG_RUNS)
            if len(runs) >= number and runs[number - 1][0] in ENDED:
                state, began, ended, queued = runs[number - 1]
                return state, queued or began, ended
            time.sleep(POLL_SECONDS)
        raise ExportError(f"run {number} did not end within {self.load.timeout:.0f} s")

    def seconds_of(self, number: int, last_day: str, first_day: str = FIRST_DAY) -> float:
        """Triggers the n-th run; returns the seconds from the command to its success."""
        clicked = time.time()
        self.trigger(last_day, first_day)
        state, _, ended = self.ended(number)
        if state != "success":
            raise ExportError(f"run {number} ended as {state}")
        return ended.timestamp() - clicked

    def by_task(self, peaks: dict[str, float]) -> dict[str, float]:
        """The highest peak of each task, in falling order."""
        tasks = self.ask_airflow("SELECT id, task_id FROM task_instance")
        names = {str(identity): str(task) for identity, task in tasks}
        highest: dict[str, float] = {}
        for identity, peak in peaks.items():
            task = names.get(identity, "?")
            highest[task] = max(highest.get(task, 0), peak)
        return dict(sorted(highest.items(), key=lambda item: -item[1]))

    def ask_airflow(self, question: str) -> list[tuple[Any, ...]]:
        return _ask(self.urls.metadata_url, question)

    def ask_state(self, question: str) -> list[tuple[Any, ...]]:
        return _ask(self.urls.state_url, question)


@contextmanager
def running_system(load: Load, console: Console) -> Iterator[System]:
    """A fresh system; ExportError where it does not start. Stops the system at the end.

    A measurement that gets SIGTERM stops its system as well.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    runtime = Runtime(PROFILE)
    for name in VARIABLES & set(os.environ):  # no request may reach a real portal
        del os.environ[name]
    down(runtime, console)
    before = runtime.root / "var" / "cache" / "bench-before"
    shutil.rmtree(before, ignore_errors=True)
    before.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        # Deleted only at the end: ext4 skips freed inodes for some minutes, which makes new files slower.
        runtime.home.rename(before)
    try:
        runtime.make()
        simulated = _simulated(load, runtime)
        up(runtime, console)
        settings = load_settings(runtime.env_file)
        urls = postgres.located(settings, runtime, generated(runtime, settings))
        yield System(load, runtime, simulated, urls)
    finally:
        down(runtime, console)
        shutil.rmtree(before, ignore_errors=True)


def _simulated(load: Load, runtime: Runtime) -> Simulated:
    rounds = -(-load.calls // ROUND_OF_RECORDINGS)
    return simulate(
        runtime,
        portal=(
            *("--from", FIRST_DAY, "--to", LAST_DAY, "--calls", str(rounds * ROUND_OF_CALLS), "--minute-recordings"),
            *("--rps", str(RPS), "--bucket", str(BUCKET), "--speed", str(load.speed)),
            *(["--mono-recordings"] if load.mono else []),
        ),
        recogniser=(
            *("--latency-per-minute", str(load.latency / load.speed)),
            *("--requests-per-minute", "1000000"),
        ),
        B24_RATE_LIMIT_RPS=str(RPS * load.speed),
        B24_BACKOFF_SECONDS=str(5 / load.speed),
        STT_BACKOFF_SECONDS=str(10 / load.speed),
        TRANSCRIBE_CONCURRENCY=str(load.slots),
        BUDGET_USD="1000000",
        CALL_EXPORT_CRON="0 0 1 1 *",  # no scheduled run during the measurement
    )


def _ask(url: str, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True, connect_timeout=30) as connection:
        return connection.execute(question.encode()).fetchall()


def _journal(url: str) -> list[dict[str, Any]]:
    with requests.Session() as session:
        session.trust_env = False  # our own server is not reached through a proxy
        entries: list[dict[str, Any]] = session.get(f"{url}/__control__/journal", timeout=300).json()
        return entries
