"""`make bench`: what our own work costs, as tables with ratios measured in one run.

Nothing is skipped to be quick: the portal, PostgreSQL, the files and the audio are real or simulated over real sockets.
Each measurement runs in a process of its own, so that its peak memory is its own.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measurements import MEASUREMENTS


def main() -> None:
    console = Console(width=None if sys.stdout.isatty() else 130)
    table = Table("измерение", "величина", "секунд", "в секунду", "пик памяти, МБ", "подробности", title=_machine())
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)  # the embedded PostgreSQL, started by root, walks through here as its own user
        for name, arguments in MEASUREMENTS:
            found = _measure(name, arguments, folder)
            seconds = found["seconds"]
            table.add_row(
                name,
                f"{found['size']} {found['unit']}",
                f"{seconds:.2f}",
                f"{found['size'] / seconds:.0f}",
                f"{found['peak_mb']:.0f}",
                found["detail"],
            )
    console.print(table)


def _measure(name: str, arguments: tuple[int, ...], folder: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.measurements", name, folder, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if done.returncode != 0:
        raise SystemExit(f"{name}: {done.stderr.strip()[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _machine() -> str:
    return f"{os.cpu_count()} ядра, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
