"""A worker of Celery: `python -m ops container -- worker`.

The entry point becomes this process, which stays in front of Celery's. At a stop it tells Celery to take no more tasks
and asks the tasks to hand back what they have not begun; a warm shutdown of Celery alone would let them work off their
batches, which takes an hour.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from include.common.errors import NotConfigured
from ops.settings.env_file import Settings

TASK = "airflow worker -- "  # Airflow's title of a process in which a task runs
ASKED_EVERY = 2.0  # seconds: a task that began just now has no handler yet
NAMES_OF_ANY_HOST = ("localhost", "localhost.localdomain", "")


def entry(settings: Settings) -> list[str]:
    """The command that the entry point becomes. Raises NotConfigured."""
    if settings.executor != "celery":
        raise NotConfigured("EXECUTOR is not celery: there is no worker", problem="not_celery")
    name = socket.gethostname()
    if name in NAMES_OF_ANY_HOST:  # Airflow takes two hosts of one name for one, and a task could run twice
        raise NotConfigured(f"this host's name is {name!r}", problem="worker_host", name=name)
    return [sys.executable, "-m", "ops.worker", str(settings.worker_slots), settings.worker_queues]


def celery(slots: str, queues: str) -> list[str]:
    return [
        *(sys.executable, "-m", "airflow", "celery", "worker", "--concurrency", slots, "--queues", queues),
        *("--skip-serve-logs", "--without-gossip", "--without-mingle"),
    ]


def work(command: Sequence[str]) -> int:
    """Runs until the worker ends or has to (SIGTERM); returns its exit status."""
    # a session of its own: what signals this process's group does not reach the tasks
    worker = subprocess.Popen(command, start_new_session=True)
    wanted = asked = False

    def on_term(_number: int, _frame: object) -> None:
        nonlocal wanted
        wanted = True

    signal.signal(signal.SIGTERM, on_term)
    signal.signal(signal.SIGINT, on_term)
    while True:
        with suppress(subprocess.TimeoutExpired):
            return worker.wait(ASKED_EVERY if wanted else 0.5)
        if wanted and not asked:
            asked = True
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGTERM)  # once: Celery takes a second one for more than that
        if wanted:
            _ask_tasks(worker.pid)


def _ask_tasks(worker: int) -> None:
    """Celery ends when the last of them has."""
    for task in _tasks(worker):
        with suppress(ProcessLookupError):
            os.kill(task, signal.SIGTERM)


def _tasks(worker: int) -> Iterator[int]:
    """Tasks below the worker that handle SIGTERM by now: it would kill the others."""
    with suppress(psutil.NoSuchProcess):
        for process in psutil.Process(worker).children(recursive=True):
            with suppress(psutil.Error, OSError):
                if "".join(process.cmdline()).startswith(TASK) and handles(process.pid, signal.SIGTERM):
                    yield process.pid


def handles(pid: int, number: int) -> bool:
    """Whether the process has a handler of its own for the signal."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


if __name__ == "__main__":
    raise SystemExit(work(celery(*sys.argv[1:3])))
