"""A host vanishes while its transaction holds locks: its connection is never closed, and others wait for it."""

import os
import secrets
import sys
import time
from pathlib import Path

import psycopg

from trials.hosts.network import hosts
from trials.hosts.system import CONTROL, POSTGRES, start_postgres, until

# as every connection of the product; a session lock would end at the same moment
HOLDER = """
import sys, time
from include.common.postgres_session import connect
with connect(sys.argv[1]).connection.transaction() as transaction:
    transaction.connection.execute("SELECT pg_advisory_xact_lock(1)")
    time.sleep(600)
"""
HELD = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted)"


def freed_after(folder: Path) -> float:
    """Seconds from the moment its link goes down until its lock is free."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    password = secrets.token_hex(12)
    with hosts(folder, [CONTROL, "worker-1"], {"PATH": path, "LANG": "C.UTF-8"}) as made:
        control, worker = made[CONTROL], made["worker-1"]
        (control.folder / "postgres").mkdir()
        start_postgres(control, control.folder / "postgres", password)
        url = f"postgresql://postgres:{password}@{control.address}:{POSTGRES}/postgres"
        until(lambda: _answer(url) is not None, "PostgreSQL")
        worker.start("holder", [sys.executable, "-c", HOLDER, url])
        until(lambda: _answer(url) is True, "the lock")
        worker.link_is("down")
        began = time.monotonic()
        until(lambda: _answer(url) is False, "the end of the lock")
        return time.monotonic() - began


def _answer(url: str) -> bool | None:
    """Whether any lock is held; None while the server does not answer."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            return bool(next(connection.execute(HELD))[0])
    except psycopg.OperationalError:
        return None
