"""No statement moves a recording past the state machine or without a line in the history."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FunctionType
from typing import Any
from uuid import UUID

import pytest

from include.calls.domain.states import RECORD_MOVES, RUN_MOVES, RecordStatus, RunStatus
from include.calls.state.rows import RecordRow
from include.calls.state.session import statement
from include.calls.state.state import State
from tests.kit.paths import ROOT
from tests.kit.state_samples import call

STATE = ROOT / "include" / "calls" / "state"
RUN = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")
MOVING = re.compile(r"UPDATE call_(?:records|exports)\b(?:(?!\bFROM\b|\bWHERE\b).)*?\bstatus =", re.DOTALL)
MOVES = {
    name: text
    for file in sorted((STATE / "queries").glob("*.sql"))
    for name, text in re.findall(r"-- name: (\w+)\S*\n(.*?)(?=-- name: |\Z)", file.read_text("utf-8"), re.DOTALL)
    if MOVING.search(text)
}
NOTHING: dict[str, Any] = dict.fromkeys(RecordRow.__slots__)
ROW = RecordRow(**NOTHING | {"run_id": RUN, "call_id": "call", "record_id": "record", "status": RecordStatus.PENDING})
DOES: dict[str, Callable[[State], Any]] = {
    "move_record": lambda state: state.move_record(
        RUN, "call", "record", RecordStatus.DOWNLOADING, expected={RecordStatus.PENDING}, stage="download"
    ),
    "move_to_work": lambda state: state.move_to_work(ROW, RecordStatus.DOWNLOADING, stage="download"),
    "recover_stale": lambda state: state.recover_stale(RUN, 1, RecordStatus.DOWNLOADING, stage="download"),
    "reopen_batch": lambda state: state.reopen_batch(RUN, 1, to=RecordStatus.PENDING, stage="download"),
    "reopen_records": lambda state: state.reopen_records(RUN, stage="open_run"),
    "save_calls": lambda state: state.save_calls(RUN, [call(1)], {}),
    "reuse_earlier": lambda state: state.reuse_earlier(RUN),
    "reuse_one": lambda state: state.reuse_one(ROW),
    "give_back": lambda state: state.give_back(ROW, stage="plan"),
    "move_to_dlq": lambda state: state.move_to_dlq(RUN, failed_before=datetime(2025, 8, 1, tzinfo=UTC)),
    "hold_dead_letters": lambda state: state.hold_dead_letters(RUN, stage="plan"),
    "replay": lambda state: state.replay(RUN),
    "move_run": lambda state: state.move_run(RUN, RunStatus.RUNNING, expected={RunStatus.PENDING}, stage="open_run"),
}


def test_the_statements_that_move_are_found() -> None:
    """Who writes another one finds it judged below, and names it here."""
    assert set(MOVES) == {
        "refresh_known",
        "stale_or_failed",
        "reuse",
        "give_back",
        "move_to_dlq",
        "hold_dead_letters",
        "replay",
        "move_run",
    }


@pytest.mark.parametrize("name", MOVES)
def test_a_statement_names_no_state_of_its_own(name: str) -> None:
    """Whom it expects and where it moves to are parameters, which its method has asked the state machine about."""
    target = MOVING.split(MOVES[name], maxsplit=1)[1].split("\n")[0].strip()
    assert target.startswith((":to", "CASE"))
    assert "'" not in target
    assert re.search(r"= ANY\(:expected\)", MOVES[name])


@pytest.mark.parametrize("name", MOVES)
def test_a_statement_that_moves_tells_the_history(name: str) -> None:
    assert "INSERT INTO call_events" in MOVES[name]
    assert "'from', was" in MOVES[name]


@pytest.mark.parametrize("name", DOES)
def test_a_method_asks_the_state_machine_first(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a machine that knows no moves nothing moves, and the database is not even asked."""
    machines: list[dict[Any, frozenset[Any]]] = [RECORD_MOVES, RUN_MOVES]
    for machine in machines:
        for status in machine:
            monkeypatch.setitem(machine, status, frozenset())
    state = Silent("host=nowhere")
    with pytest.raises(ValueError, match="no move from"):
        DOES[name](state)
    assert [asked for asked in state.asked if "UPDATE" in asked] == []


class Silent(State):
    """A state that only writes down what it would have asked its database."""

    def __init__(self, conninfo: str) -> None:
        super().__init__(conninfo)
        self.asked: list[str] = []

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        yield self

    def execute(self, asked: object, *_: object) -> None:
        self.asked.append(str(asked))

    def _count(self, file: str, name: str, **_: Any) -> int:
        self.asked.append(statement(file, name).decode())
        return 0


def test_no_method_that_moves_is_missing_here() -> None:
    """Whatever calls the state machine's check, or one that does, is among those tried above."""
    moving = {
        name
        for owner in State.__mro__
        for name, member in vars(owner).items()
        if isinstance(member, FunctionType) and "refuse_unlisted" in member.__code__.co_names
    }
    assert {name for name in moving if not name.startswith("_")} <= DOES.keys()
