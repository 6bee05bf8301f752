"""A lost connection costs nothing twice, and no error of the driver gets out."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from include.common.errors import ExportError, NotConfigured, Temporary
from include.common.postgres_session import Session, storable
from tests.kit.state_samples import cut_connections

pytestmark = pytest.mark.postgres

QUERIES = """
-- name: create#
CREATE TABLE things (thing integer PRIMARY KEY);

-- name: add!
INSERT INTO things SELECT generate_series(:first::integer, :last::integer);

-- name: all
SELECT thing FROM things WHERE thing > :after ORDER BY thing;

-- name: how_many
SELECT count(*) FROM things;

-- name: backend
SELECT pg_backend_pid();

-- name: broken
SELEC 1;
"""


@dataclass(frozen=True)
class Thing:
    thing: int


@pytest.fixture
def session(empty_database: str, tmp_path: Path) -> Iterator[Session]:
    (tmp_path / "things.sql").write_text(QUERIES, encoding="utf-8")
    with Session(empty_database, tmp_path) as session:
        session.count("things", "create")
        yield session


def how_many(session: Session) -> int:
    return session.count("things", "how_many")


def test_statements_are_found_by_file_and_name(session: Session) -> None:
    assert session.count("things", "add", first=1, last=3) == 3
    assert session.rows("things", "all", Thing, after=1) == [Thing(2), Thing(3)]
    assert session.values("things", "all", after=2) == [(3,)]
    assert session.value("things", "all", after=2) == 3
    assert session.value("things", "all", after=9) is None


def test_a_stream_may_be_left_early(session: Session) -> None:
    session.count("things", "add", first=1, last=5_000)
    with closing(session.stream("things", "all", Thing, after=0)) as stream:
        assert next(stream) == Thing(1)
    assert sum(1 for _ in session.stream("things", "all", Thing, after=0)) == 5_000
    assert session.count("things", "add", first=6_000, last=6_000) == 1


def broken_off(session: Session, first: int) -> None:
    with session.transaction():
        session.count("things", "add", first=first, last=first + 1)
        raise KeyError


def test_a_block_is_committed_whole_or_not_at_all(session: Session) -> None:
    with pytest.raises(KeyError):
        broken_off(session, 1)
    assert how_many(session) == 0
    with session.transaction():
        session.count("things", "add", first=1, last=2)
        with pytest.raises(KeyError):
            broken_off(session, 3)
    assert how_many(session) == 2


def test_a_cut_connection_is_replaced_before_the_next_statement(session: Session, empty_database: str) -> None:
    session.count("things", "add", first=1, last=2)
    before = session.value("things", "backend")
    assert session.value("things", "backend") == before
    cut_connections(empty_database)
    assert how_many(session) == 2
    assert session.value("things", "backend") != before


def cut_in_between(session: Session, database: str) -> None:
    with session.transaction():
        session.count("things", "add", first=1, last=2)
        cut_connections(database)
        session.count("things", "add", first=3, last=4)


def test_a_connection_cut_within_a_block_undoes_the_whole(session: Session, empty_database: str) -> None:
    with pytest.raises(Temporary):
        cut_in_between(session, empty_database)
    assert how_many(session) == 0


def test_an_unreachable_database_is_temporary(tmp_path: Path) -> None:
    """Its password stays secret."""
    (tmp_path / "things.sql").write_text(QUERIES, encoding="utf-8")
    with (
        pytest.raises(Temporary) as caught,
        Session("postgresql://someone:hunter2@127.0.0.1:1/none", tmp_path) as session,
    ):
        how_many(session)
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__suppress_context__


def test_a_missing_schema_is_named_as_such(empty_database: str, tmp_path: Path) -> None:
    (tmp_path / "things.sql").write_text(QUERIES, encoding="utf-8")
    with pytest.raises(NotConfigured, match="migrations"), Session(empty_database, tmp_path) as session:
        how_many(session)


def test_a_defect_is_an_error_of_ours_without_the_row(session: Session) -> None:
    session.count("things", "add", first=1, last=1)
    with pytest.raises(ExportError, match="UniqueViolation") as caught:
        session.count("things", "add", first=1, last=1)
    assert "(1)" not in str(caught.value)
    with pytest.raises(ExportError, match="SyntaxError"):
        session.values("things", "broken")


def test_what_postgresql_cannot_store_is_replaced() -> None:
    assert storable("а\0б\ud800в") == "а\ufffdб?в"
