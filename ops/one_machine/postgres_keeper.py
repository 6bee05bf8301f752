"""Keeps one profile's embedded PostgreSQL alive: `python -m ops.one_machine.postgres_keeper <folder of the data>`.

A program of supervisord beside Airflow's components. It ends when the server cannot be started, so that supervisord
waits longer before each next try; it never stops a server: `make down` does that when nobody uses it any more.
"""

import os
import sys
from pathlib import Path

import psutil

from include.common.errors import NotConfigured
from ops.one_machine import postgres

# The server is a process of its own, in root's case of another user: neither Airflow's secrets nor the mark by which
# `make down` finds leftovers may reach it.
_NOT_FOR_THE_SERVER = ("AIRFLOW", "CALL_EXPORT_")


def keep(folder: Path) -> None:
    """Returns only by an exception."""
    while True:
        pid = postgres.start_again(folder)
        print(f"PostgreSQL работает, pid {pid}", flush=True)
        psutil.Process(pid).wait()
        print(f"PostgreSQL, pid {pid}, остановился; запускаю снова", flush=True)


def main() -> int:
    for name in [name for name in os.environ if name.startswith(_NOT_FOR_THE_SERVER)]:
        del os.environ[name]
    try:
        keep(Path(sys.argv[1]))
    except (NotConfigured, psutil.NoSuchProcess) as error:
        print(error, file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
