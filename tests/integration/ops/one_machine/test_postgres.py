"""The launcher's embedded PostgreSQL, and the server of DATABASE_URL."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import psutil
import psycopg
import pytest
from pydantic import SecretStr

from include.common.errors import NotConfigured
from ops.one_machine import postgres
from ops.settings.env_file import Settings
from ops.settings.generated_secrets import Generated
from ops.settings.profile import REPOSITORY, Runtime
from tests.kit.server_folder import server_folder

pytestmark = [pytest.mark.postgres, pytest.mark.long]

KEYS = Generated(
    "jwt", "api", "fernet", "admin", "embedded-password", "metrics", "erasure", "security", "roles", "tasks"
)
START = """
import sys
from pathlib import Path
from ops.one_machine import postgres
from ops.settings.profile import Runtime
from tests.integration.ops.one_machine.test_postgres import KEYS, settings_of
runtime = Runtime(root=Path(sys.argv[1]))
runtime.make()
print(postgres.start(settings_of(None), runtime, KEYS).state_url)
"""


def settings_of(database_url: str | None) -> Settings:
    return Settings.model_construct(database_url=SecretStr(database_url) if database_url else None)


def ask(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    """A profile in a folder with a path too long for a unix socket."""
    base = server_folder("pg-ops-")
    deep = base / ("a-long-folder-name" * 4)
    deep.mkdir()
    runtime = Runtime(root=deep)
    yield runtime
    postgres.stop(runtime)
    shutil.rmtree(base, ignore_errors=True)


def test_the_server_outlives_its_starter_and_requires_a_password(runtime: Runtime) -> None:
    started = subprocess.run(
        [sys.executable, "-c", START, str(runtime.root)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True
    )
    url = started.stdout.strip().splitlines()[-1]
    assert ask(url, "SELECT current_database()") == postgres.STATE_DATABASE
    assert ask(url, "SHOW max_connections") == postgres.SERVER_OPTIONS["max_connections"]
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(url.replace(KEYS.postgres_password, "wrong"))
    # a second start finds the first one's databases
    again = postgres.start(settings_of(None), runtime, KEYS)
    assert again.state_url == url
    assert ask(again.metadata_url, "SELECT current_database()") == postgres.METADATA_DATABASE
    assert postgres.stop(runtime)
    assert not postgres.stop(runtime), "stopping what does not run is no error"


def test_servers_can_start_at_the_same_time(runtime: Runtime) -> None:
    """Servers that start at the same time do not close each other's socket folders.

    Run by root, PostgreSQL passes as its own user a folder that the start of another server makes private.
    """
    others = Runtime(root=runtime.root / "another")
    others.root.mkdir()
    command = [sys.executable, "-c", START]
    try:
        started = [
            subprocess.Popen([*command, str(one.root)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
            for one in (runtime, others)
        ]
        urls = [process.communicate(timeout=100)[0].strip() for process in started]
        assert [process.returncode for process in started] == [0, 0]
        folders = {Path(unquote(url.partition("?host=")[2])).parent for url in urls}
        assert len(folders) == 2, "no folder is shared"
        assert [ask(url, "SELECT 1") for url in urls] == [1, 1]
    finally:
        postgres.stop(others)


def test_a_slow_server_is_waited_for() -> None:
    """A start that times out is repeated, but not for ever."""
    answers: list[Exception | None] = [subprocess.TimeoutExpired("pg_ctl", 10), AssertionError("starting"), None]

    def start() -> None:
        if error := answers.pop(0):
            raise error

    postgres.start_with_retries(start, pause=0)
    assert answers == []

    def never() -> None:
        raise subprocess.TimeoutExpired("pg_ctl", 10)

    with pytest.raises(subprocess.TimeoutExpired):
        postgres.start_with_retries(never, seconds=0, pause=0)


def test_a_killed_server_is_restarted(runtime: Runtime) -> None:
    """The restarted server outlives its keeper, and `make down` can stop it."""
    runtime.make()
    postgres.start(settings_of(None), runtime, KEYS)
    first = postgres.running_pid(runtime.postgres)
    assert first is not None
    command = [sys.executable, "-m", "ops.one_machine.postgres_keeper", str(runtime.postgres)]
    environment = os.environ | {"CALL_EXPORT_RUNTIME": str(runtime.home)}
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True) as keeper:
        assert keeper.stdout is not None
        assert str(first) in keeper.stdout.readline()
        psutil.Process(first).kill()
        assert str(first) in keeper.stdout.readline()
        line = keeper.stdout.readline()
        second = postgres.running_pid(runtime.postgres)
        assert second not in (None, first)
        assert str(second) in line
        keeper.terminate()
    assert postgres.running_pid(runtime.postgres) == second
    assert "CALL_EXPORT_RUNTIME" not in psutil.Process(second).environ(), "make down would end it as a leftover"
    assert postgres.stop(runtime)
    assert postgres.running_pid(runtime.postgres) is None


class TestDatabaseUrl:
    def test_airflow_gets_its_own_database_on_the_same_server(self, empty_database: str, tmp_path: Path) -> None:
        databases = postgres.start(settings_of(empty_database), Runtime(root=tmp_path), KEYS)
        assert databases.state_url == empty_database
        name = ask(empty_database, "SELECT current_database()")
        assert ask(databases.metadata_url, "SELECT current_database()") == f"{name}_airflow"
        assert databases == postgres.located(settings_of(empty_database), Runtime(root=tmp_path), KEYS)

    def test_an_unreachable_server_is_one_sentence(self, tmp_path: Path) -> None:
        """The sentence names the variable and does not contain the password."""
        url = "postgresql://user:hunter2@127.0.0.1:1/calls"
        with pytest.raises(NotConfigured) as caught:
            postgres.start(settings_of(url), Runtime(root=tmp_path), KEYS)
        assert str(caught.value).startswith("DATABASE_URL: ")
        assert "hunter2" not in str(caught.value)
        assert caught.value.__suppress_context__

    def test_a_missing_right_names_the_command(self, empty_database: str, tmp_path: Path) -> None:
        with psycopg.connect(empty_database, autocommit=True) as admin:
            admin.execute("DROP ROLE IF EXISTS poor")
            admin.execute("CREATE ROLE poor LOGIN")
        poor = empty_database.replace("//postgres", "//poor", 1)
        with pytest.raises(NotConfigured, match=r"CREATE DATABASE \w+_airflow"):
            postgres.start(settings_of(poor), Runtime(root=tmp_path), KEYS)
