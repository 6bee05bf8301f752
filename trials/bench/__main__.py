"""`make bench`, `make bench FULL=1`: what our own work costs, as tables with ratios measured in one run.

PostgreSQL, files and audio are real; portal and recogniser are simulated over real sockets. Each measurement runs in a
process of its own and reports the peak memory of that process, including the simulated portal where it runs inside. The
full sizes end with whole runs under the real Airflow.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console
from rich.table import Table

from trials.bench.measurements import ALL, Measurement

# The first lasts a quarter of an hour; the others use the customer's latency, compressed as far as two cores allow.
WHOLE_RUNS = (
    ("--calls", "1000", "--speed", "2.35", "--bar", "1.05"),
    ("--calls", "9000", "--speed", "6", "--latency", "20"),
    ("--calls", "20000", "--speed", "12", "--latency", "20", "--mono"),
)
NIGHT = ("--calls", "9000", "--speed", "1")
LINEAR = 12  # 100,000 rows may take this many times as long as 10,000
LONGEST_SECONDS = 3600


def main(
    full: Annotated[bool, typer.Option(help="full sizes, and whole runs under Airflow: hours")] = False,
) -> None:
    """Prints all measurements beside their bars; exits with 1 if one is missed."""
    console = Console(width=None if sys.stdout.isatty() else 150)
    table = Table("measurement", "size", "seconds", "per second", "peak MB", "bar", "kept", "details", title=_machine())
    seconds: dict[str, float] = {}
    failed = False
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)  # the embedded PostgreSQL, started by root, passes it as its own user
        for number, one in enumerate(ALL):
            arguments = one.full if full else one.quick
            if not arguments:
                continue
            with console.status(one.name):
                found = _measure(number, arguments, folder)
            seconds[one.name] = found["seconds"]
            kept = found["kept"] and found["seconds"] <= one.seconds and found["peak_mb"] <= one.peak_mb
            failed |= not kept
            table.add_row(*_row(one, found), "yes" if kept else "NO", found["detail"])
    console.print(table)
    growth = seconds["register, 100,000"] / seconds["register, 10,000"]
    console.print(f"Register: 100,000 rows took {growth:.1f} times as long as 10,000 (bar {LINEAR}).")
    if full:
        for module, size in (("night", NIGHT), *(("makespan", size) for size in WHOLE_RUNS)):
            command = [sys.executable, "-m", f"trials.bench.{module}", *size]
            failed |= subprocess.run(command, check=False).returncode != 0
    raise SystemExit(int(failed or growth > LINEAR))


def _row(one: Measurement, found: dict[str, Any]) -> list[str]:
    size, seconds = found["size"], found["seconds"]
    figures = [f"{size} {found['unit']}", f"{seconds:.2f}", f"{size / seconds:.0f}", f"{found['peak_mb']:.0f}"]
    return [one.name, *figures, one.bar]


def _measure(number: int, arguments: tuple[int, ...], folder: str) -> dict[str, Any]:
    own = tempfile.mkdtemp(dir=folder)
    Path(own).chmod(0o755)
    command = [sys.executable, "-m", "trials.bench.measurements", str(number), own, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS)
    if done.returncode != 0:
        raise SystemExit(f"{ALL[number].name}: {done.stderr.strip()[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, load at the start {load:.1f}"


if __name__ == "__main__":
    typer.run(main)
