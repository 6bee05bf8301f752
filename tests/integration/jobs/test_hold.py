"""`make hold`: placed, listed and lifted, each change in the audit log."""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict

from include.calls.domain.audit_chain import Action
from include.calls.state.audit import AuditLog
from include.calls.state.state import State
from jobs.hold import main
from tests.kit.state_samples import call, executed, opened, selected

pytestmark = pytest.mark.postgres

NIGHT = "SELECT call_id FROM recordings own WHERE may_end(own, '2999-01-01') ORDER BY statistics_id"


@pytest.fixture
def state(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    parts = {key: str(value) for key, value in conninfo_to_dict(database).items()}
    found = {"conn_type": "postgres", "host": parts.get("host"), "login": parts.get("user"), "schema": parts["dbname"]}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_DB", json.dumps(found))
    with State.open(database) as state:
        yield state


def said(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == status, result.output
    return result.output.replace("\N{NO-BREAK SPACE}", " ")


def test_a_hold_from_its_beginning_to_its_end(state: State, database: str) -> None:
    opened(state, "1", call(1), call(2, phone_line="+74950000002"), call(3))
    executed(database, "UPDATE call_exports SET status = 'completed'")
    names = [call(number).call_id for number in (1, 2, 3)]
    free = lambda: [name for (name,) in selected(database, NIGHT)]  # noqa: E731
    assert said() == "Удержаний нет.\n"
    assert free() == names
    for arguments, left in (
        (["--call-id", names[0]], names[1:]),
        (["--line", "+74950000002"], [names[0], names[2]]),
        (["--from", "2025-08-06", "--to", "2025-08-06"], []),
    ):
        placed = said(*arguments, "--reason", "суд, дело 12", "--by", "юрист", "--until", "2999-01-01")
        assert "до 01.01.2999" in placed
        assert "Почему: суд, дело 12. Кто: юрист" in placed
        assert said() == placed
        assert free() == left
        number = placed.removeprefix("№ ").partition(":")[0]
        assert said("--lift", number) == f"Удержание № {number} снято: дальше действуют обычные сроки.\n"
        assert free() == names
    assert [entry.action for entry in AuditLog(state.session).entries()] == [Action.HOLD_PLACED, Action.HOLD_LIFTED] * 3


def test_a_line_is_held_however_it_is_spelled(state: State, database: str) -> None:
    opened(state, "1", call(1), call(2, phone_line="+74950000002"), call(3, phone_line="84950000002"))
    executed(database, "UPDATE call_exports SET status = 'completed'")
    placed = said("--line", "7 495 000-00-02", "--reason", "суд")
    assert [part.partition(",")[0] for part in placed.splitlines()] == [
        "№ 1: линия +74950000002",
        "№ 2: линия 84950000002",
    ]
    assert selected(database, NIGHT) == [(call(1).call_id,)]


def test_a_hold_ends_by_itself_on_its_day(state: State, database: str) -> None:
    opened(state, "1", call(1))
    executed(database, "UPDATE call_exports SET status = 'completed'")
    said("--call-id", call(1).call_id, "--reason", "суд", "--until", "2999-01-01")
    executed(database, "UPDATE holds SET until = now() - interval '1 second'")
    assert said() == "Удержаний нет.\n"
    assert len(selected(database, NIGHT)) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--call-id", "1"],
        ["--call-id", "1", "--reason", "x"],
        ["--line", "+74959999999", "--reason", "x"],
        ["--call-id", "1", "--reason", "x" * 501],
        ["--call-id", "1", "--line", "2", "--reason", "x"],
        ["--from", "2025-08-02", "--to", "2025-08-01", "--reason", "x"],
        ["--from", "2025-08-02", "--reason", "x"],
        ["--lift", "7"],
        ["--lift", "x"],
        ["--call-id", "1", "--reason", "x", "--until", "tomorrow"],
        ["--call-id", "1", "--reason", "x", "--until", "2026-01-01"],
    ],
)
def test_what_cannot_be_held_is_refused(state: State, database: str, arguments: list[str]) -> None:
    said(*arguments, status=2)
    assert selected(database, "SELECT count(*) FROM holds") == [(0,)]
