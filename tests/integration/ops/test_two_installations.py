"""Two installations on one PostgreSQL server and one bucket never meet, and neither takes what is somebody else's."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from include.calls.state.migrate import migrate
from include.calls.state.rights import Role, as_owner, grant
from include.calls.state.state import State
from include.calls.steps.claim_storage import claim_storage
from include.clients.postgresql.scratch import beside, name_of
from include.clients.storage.s3 import S3Storage
from include.common.errors import NotConfigured
from ops.settings.database_roles import as_role, make_roles
from ops.settings.databases import Databases, located, mark, prepared
from ops.settings.generated_secrets import Generated
from ops.settings.profile import Runtime

pytestmark = pytest.mark.postgres


def ask(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def databases_there(url: str) -> set[str]:
    return {*str(ask(url, "SELECT string_agg(datname, ' ') FROM pg_database")).split()}


@contextmanager
def another_database(url: str, template: str = "template0") -> Iterator[str]:
    """A database beside that of the URL, dropped at the end with Airflow's database of the same name."""
    name = f"t_{secrets.token_hex(6)}"
    server = beside(url, "postgres")
    names = [sql.Identifier(one) for one in (name, template, f"{name}_airflow")]
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(*names[:2]))
        try:
            yield url.replace(name_of(url), name, 1)
        finally:
            for one in (names[0], names[2]):
                admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(one))


@contextmanager
def migrated_copy(url: str) -> Iterator[str]:
    with another_database(url, template=name_of(url)) as copy:
        yield copy


@pytest.fixture
def two(empty_database: str) -> Iterator[tuple[str, str]]:
    with another_database(empty_database) as first, another_database(empty_database) as second:
        yield first, second


class TestForeignDatabases:
    def test_a_state_database_with_foreign_tables_is_refused_before_anything_is_written(
        self, two: tuple[str, str]
    ) -> None:
        url, _ = two
        ask(url, "CREATE TABLE dag_run (id int)")
        before = databases_there(url)
        for refused in (prepared, migrate):
            with pytest.raises(NotConfigured, match=r"tables of another system \(dag_run\)"):
                refused(url)
        assert databases_there(url) == before
        assert ask(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 1

    def test_tables_of_another_schema_count(self, two: tuple[str, str]) -> None:
        ask(two[0], "CREATE SCHEMA shop CREATE TABLE orders (id int)")
        with pytest.raises(NotConfigured, match="orders"):
            prepared(two[0])

    def test_the_companys_own_airflow_is_not_touched(self, two: tuple[str, str]) -> None:
        """A database called `airflow` is nobody's business; named on purpose, it is refused."""
        url, theirs = two
        ask(theirs, "CREATE TABLE alembic_version (version_num text)")
        assert name_of(prepared(url).metadata_url) == f"{name_of(url)}_airflow"
        with pytest.raises(NotConfigured, match="AIRFLOW_DATABASE"):
            prepared(url, name_of(theirs))
        assert ask(theirs, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 1

    def test_one_database_is_not_both(self, two: tuple[str, str]) -> None:
        with pytest.raises(NotConfigured, match="name the same database"):
            prepared(two[0], name_of(two[0]))

    def test_its_own_databases_are_found_again(self, two: tuple[str, str]) -> None:
        found = prepared(two[0])
        migrate(two[0])
        mark(found)
        ask(found.metadata_url, "CREATE TABLE dag_run (id int)")
        assert prepared(two[0]) == found == located(two[0])

    def test_a_database_that_another_installation_has_named_is_refused(self, two: tuple[str, str]) -> None:
        first, second = two
        taken = prepared(first)
        mark(taken)
        shared = name_of(taken.metadata_url)
        with pytest.raises(NotConfigured, match="AIRFLOW_DATABASE"):
            prepared(second, shared)


class TestTwoAtOnce:
    @pytest.fixture
    def installations(self, two: tuple[str, str], tmp_path: Path) -> Iterator[list[tuple[Databases, Generated]]]:
        """As `make up` prepares each."""
        found = []
        for number, url in enumerate(two):
            runtime, keys = Runtime(root=tmp_path / str(number)), Generated.fresh()
            runtime.make()
            databases = prepared(url)
            assert make_roles(databases, runtime, keys)
            migrate(as_owner(databases.state_url))
            grant(databases.state_url)
            found.append((databases, keys))
        yield found
        with psycopg.connect(beside(two[0], "postgres"), autocommit=True) as admin:
            for url in two:
                for database in (name_of(url), f"{name_of(url)}_airflow"):
                    admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))
                for role in Role:
                    admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(f"{name_of(url)}_{role}")))

    def test_neither_may_enter_the_others_databases(self, installations: list[tuple[Databases, Generated]]) -> None:
        (first, keys), (second, _) = installations
        ours = as_role(first, Role.APPLICATION, keys)
        assert str(ask(ours, "SELECT id FROM installation"))
        assert ask(ours, "SELECT has_database_privilege(current_database(), 'CONNECT')") is True
        for foreign in (second.state_url, second.metadata_url):
            assert ask(ours, f"SELECT has_database_privilege('{name_of(foreign)}', 'CONNECT')") is False, foreign
        assert len({first.state_url, first.metadata_url, second.state_url, second.metadata_url}) == 4

    @pytest.mark.s3
    def test_one_bucket_is_shared_by_folder_only(
        self, installations: list[tuple[Databases, Generated]], s3_client: object, s3_bucket: str
    ) -> None:
        (first, _), (second, _) = installations
        whole = S3Storage(s3_bucket, "", s3_client)
        with State.open(first.state_url) as one, State.open(second.state_url) as other:
            claim_storage(whole, one)
            with pytest.raises(NotConfigured, match=name_of(first.state_url)):
                claim_storage(whole, other)
            claim_storage(S3Storage(s3_bucket, "staging", s3_client), other)
            claim_storage(whole, one)
