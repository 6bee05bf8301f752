"""Restarts one profile's embedded PostgreSQL when it dies: `python -m ops.one_machine.postgres_keeper <data folder>`.

supervisord runs this program beside Airflow's components. It ends when the server cannot be started, so that
supervisord waits longer before each next try. It never stops a server: `make down` does, after all its users.
"""

import os
import sys
from pathlib import Path

import psutil

from include.common.errors import NotConfigured
from ops.one_machine import postgres

# Variables that the server must not inherit: Airflow's secrets, and the mark by which `make down` finds leftovers.
# Started by root, the server belongs to another user.
_NOT_FOR_THE_SERVER = ("AIRFLOW", "CALL_EXPORT_")


def keep(folder: Path) -> None:
    """Runs until an exception."""
    while True:
        pid = postgres.start_again(folder)
        print(f"PostgreSQL runs, pid {pid}", flush=True)
        psutil.Process(pid).wait()
        print(f"PostgreSQL, pid {pid}, ended; starting it again", flush=True)


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
