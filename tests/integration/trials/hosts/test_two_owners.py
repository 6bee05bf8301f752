"""Two owners of one call behind PgBouncer in transaction mode; `python -m trials.hosts claims` plays 1,000 rounds."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.common.postgres_session import Session
from tests.kit.server_folder import server_folder
from trials.hosts.pooler import PROGRAM, pooled
from trials.hosts.two_owners import two_owners

pytestmark = [pytest.mark.postgres, pytest.mark.skipif(PROGRAM is None, reason="Debian's pgbouncer is not installed")]
QUERIES = """
-- name: limit
SELECT current_setting('statement_timeout');

-- name: zone
SELECT current_setting('timezone');
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    found = server_folder("pooler-")
    yield found
    shutil.rmtree(found, ignore_errors=True)


@pytest.mark.parametrize("ignored", ["", "options"], ids=["refuses settings", "swallows settings"])
def test_both_never_have_it_and_both_never_save(database: str, folder: Path, ignored: str) -> None:
    with pooled(database, folder, ignored=ignored) as url:
        seen = two_owners(url, 10, seed=3)
    assert (seen.both_held, seen.saved_twice, seen.unsaved) == (0, 0, 0)
    assert seen.rounds == 10
    assert seen.granted >= 10


def test_each_transaction_brings_its_settings_and_takes_them_with_it(database: str, folder: Path) -> None:
    (queries := folder / "queries").mkdir()
    (queries / "asked.sql").write_text(QUERIES, encoding="utf-8")
    (at := folder / "pooler").mkdir()
    with (
        pooled(database, at, ignored="options") as url,
        Session(url, queries, settings={"statement_timeout": "2s"}) as hasty,
        Session(url, queries) as patient,
    ):
        for _ in range(8):  # more than a driver prepares on its own, on whichever connection is free
            assert hasty.value("asked", "limit") == "2s"
            assert patient.value("asked", "limit") == "2min"
            assert patient.value("asked", "zone") == "UTC"
