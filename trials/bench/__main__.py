"""`make bench`, `make bench FULL=1`: what our own work costs, as tables with ratios measured in one run.

Nothing is skipped to be quick: PostgreSQL, files and audio are real, portal and recogniser are simulated over real
sockets. Each measurement runs in a process of its own, so that its peak memory is its own; where the simulated portal
lives in that process as well, its memory is counted too. The full sizes end with whole runs under the real Airflow.
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

# the smallest lasts a quarter of an hour, the others, at the customer's latency, are as fast as two cores carry
WHOLE_RUNS = (
    ("--calls", "1000", "--speed", "2.35", "--bar", "1.05"),
    ("--calls", "9000", "--speed", "6", "--latency", "20"),
    ("--calls", "20000", "--speed", "12", "--latency", "20", "--mono"),
)
NIGHT = ("--calls", "9000", "--speed", "1")
LINEAR = 12  # 100,000 rows may take so many times what 10,000 take
LONGEST_SECONDS = 3600


def main(
    full: Annotated[bool, typer.Option(help="sizes of the bars, and whole runs under Airflow: hours")] = False,
) -> None:
    """Measures, prints, and says what is above its bar; exit 1 then."""
    console = Console(width=None if sys.stdout.isatty() else 150)
    table = Table(
        "измерение", "величина", "секунд", "в секунду", "пик, МБ", "планка", "", "подробности", title=_machine()
    )
    seconds: dict[str, float] = {}
    failed = False
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)  # the embedded PostgreSQL, started by root, walks through here as its own user
        for number, one in enumerate(ALL):
            arguments = one.full if full else one.quick
            if not arguments:
                continue
            with console.status(one.name):
                found = _measure(number, arguments, folder)
            seconds[one.name] = found["seconds"]
            kept = found["kept"] and found["seconds"] <= one.seconds and found["peak_mb"] <= one.peak_mb
            failed |= not kept
            table.add_row(*_row(one, found), "да" if kept else "НЕТ", found["detail"])
    console.print(table)
    growth = seconds["в базу, 100 000"] / seconds["в базу, 10 000"]
    console.print(f"В базу: 100 000 строк в {growth:.1f} раза дольше 10 000 (планка {LINEAR}).")
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
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} ядра, {memory:.0f} ГиБ, Python {platform.python_version()}, загрузка в начале {load:.1f}"


if __name__ == "__main__":
    typer.run(main)
