"""`make audit` on a real chain."""

import csv
import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict

from include.calls.domain.audit_chain import Action
from include.calls.state.state import State
from jobs.audit import main
from tests.integration.calls.state.test_audit import by_superuser, written

pytestmark = pytest.mark.postgres


@pytest.fixture
def connected(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {key: str(value) for key, value in conninfo_to_dict(database).items()}
    found = {"conn_type": "postgres", "host": parts.get("host"), "login": parts.get("user"), "schema": parts["dbname"]}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_DB", json.dumps(found))


@pytest.fixture
def state(database: str) -> Iterator[State]:
    with State.open(database) as state:
        yield state


@pytest.mark.usefixtures("connected")
def test_entries_are_printed_and_the_chain_is_checked(state: State, database: str) -> None:
    log = written(state, 2)
    log.record(Action.EXPORT_STARTED, actor="=HYPERLINK(1)\x1b[31m", reason="manual")
    *_, last = log.entries()

    whole = CliRunner().invoke(main, ["--head", f"3:{last.hash[:10]}"])
    assert whole.exit_code == 0, whole.output
    rows = list(csv.reader(whole.stdout.splitlines(), delimiter=";"))
    assert rows[0][:3] == ["№", "Когда, UTC", "Кто"]
    assert [row[0] for row in rows[1:]] == ["1", "2", "3"]
    assert rows[1][4] == "звонок оценён"
    assert rows[3][2] == "'=HYPERLINK(1) [31m"
    assert f"хэш {last.hash[:16]}" in whole.stderr

    later = CliRunner().invoke(main, ["--from", "2999-01-01"])
    assert (later.exit_code, len(later.stdout.splitlines())) == (0, 1)
    assert CliRunner().invoke(main, ["--head", "3:0000000000"]).exit_code == 1
    for refused in (["--from", "yesterday"], ["--head", "3"]):
        assert CliRunner().invoke(main, refused).exit_code == 2

    by_superuser(
        database, "UPDATE audit_log SET actor = 'x' WHERE entry_no = 2", "DELETE FROM audit_log WHERE entry_no = 3"
    )
    broken = CliRunner().invoke(main, ["--to", "2000-01-01"])
    assert broken.exit_code == 1
    assert "запись № 2 изменена" in broken.stderr
    assert "конца журнала нет: начиная с записи № 3" in broken.stderr
