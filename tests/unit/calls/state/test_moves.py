"""No statement moves a run or a recording past the state machine or without a line in the history."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FunctionType
from typing import Any
from uuid import UUID

import pytest

from include.calls.domain.data_classes import DataClass
from include.calls.domain.erasure import SubjectKind, Tombstone
from include.calls.domain.states import RECORD_MOVES, RUN_MOVES, RecordStatus, RunStatus
from include.calls.state.erasures import Erasures
from include.calls.state.resets import Resets
from include.calls.state.retention import Retention
from include.calls.state.state import QUERIES, State
from include.calls.state.types import Run
from include.common.periods import Period
from include.common.postgres_session import Session
from tests.kit.state_samples import call

RUN_ID = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")
MOVING = re.compile(
    r"UPDATE (?:recordings|call_exports|call_records)\b(?:(?!\bFROM\b|\bWHERE\b).)*?\bstatus\s*=", re.DOTALL
)
STATEMENT = re.compile(r"-- name: (\w+)\S*\n(.*?)(?=-- name: |\Z)", re.DOTALL)
STATEMENTS = {
    (file.stem, name): text
    for file in sorted(QUERIES.glob("*.sql"))
    for name, text in STATEMENT.findall(file.read_text("utf-8"))
}
MOVES = {name: text for (_, name), text in STATEMENTS.items() if MOVING.search(text)}
S = RecordStatus
NOTHING: dict[str, Any] = dict.fromkeys(Run.__slots__)
RUN = Run(**NOTHING | {"run_id": RUN_ID, "status": RunStatus.RUNNING, "due_at": datetime(2025, 9, 1, tzinfo=UTC)})
STONE = Tombstone("hash", SubjectKind.CALL, "key", None)
DOES: dict[str, Callable[[State], Any]] = {
    "Moves.take": lambda state: state.moves.take(RUN_ID, 1, S.DOWNLOADING, stage="download"),
    "Moves.move": lambda state: state.moves.move(RUN_ID, 1, S.ERROR, expected={S.PENDING}, stage="download"),
    "Moves.take_back": lambda state: state.moves.take_back(RUN_ID, 1, S.DOWNLOADING, stage="download"),
    "Moves.reopen_batch": lambda state: state.moves.reopen_batch(RUN_ID, 1, to=S.PENDING, stage="download"),
    "Moves.take_up": lambda state: state.moves.take_up(RUN, stage="plan", summaries=False),
    "Moves.share_text": lambda state: state.moves.share_text(RUN_ID, 1, stage="transcribe"),
    "Erasures.mark": lambda state: Erasures(state.session).mark(RUN_ID, 1, "call-1", STONE),
    "Listing.save": lambda state: state.listing.save(RUN, 1, [call(1)], {}),
    "DeadLetters.move_overdue": lambda state: state.dead_letters.move_overdue(
        RUN_ID, failed_before=datetime(2025, 8, 1, tzinfo=UTC)
    ),
    "DeadLetters.replay": lambda state: state.dead_letters.replay(RUN_ID, stage="open_run"),
    "Retention.end": lambda state: Retention(state.session).end(DataClass.AUDIO, datetime(2025, 8, 1, tzinfo=UTC), []),
    "Resets.reset": lambda state: Resets(state.session).reset(
        Period(datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 2, tzinfo=UTC)), actor="a"
    ),
    "Runs.move": lambda state: state.runs.move(
        RUN_ID, RunStatus.RUNNING, expected={RunStatus.PENDING}, stage="open_run"
    ),
    "Runs.finish": lambda state: state.runs.finish(RUN_ID, RunStatus.COMPLETED, verdict="", failed_step=None),
}


def test_the_statements_that_move_are_found() -> None:
    """A new one is judged below, and is named here."""
    assert set(MOVES) == {
        "refresh_known",
        "move",
        "take_back",
        "reopen_batch",
        "take_up",
        "share_text",
        "mark",
        "move_to_dlq",
        "replay",
        "reset",
        "move_run",
        "end_audio",
        "end_text",
    }


@pytest.mark.parametrize("name", MOVES)
def test_a_statement_names_no_status_of_its_own(name: str) -> None:
    """Expected and new status are parameters; its method has asked the state machine about them."""
    target = MOVING.split(MOVES[name], maxsplit=1)[1].split("\n")[0].strip()
    assert target.startswith((":to", "CASE"))
    assert "'" not in target
    assert re.search(r"= ANY\(:expected\)", MOVES[name])


@pytest.mark.parametrize("name", MOVES)
def test_a_statement_that_moves_adds_to_the_history(name: str) -> None:
    assert "INSERT INTO call_events" in MOVES[name]
    assert "'from', was" in MOVES[name]


@pytest.mark.parametrize("name", DOES)
def test_a_method_asks_the_state_machine_first(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a machine that allows no moves nothing moves, and the database is not even asked."""
    machines: list[dict[Any, frozenset[Any]]] = [RECORD_MOVES, RUN_MOVES]
    for machine in machines:
        for status in machine:
            monkeypatch.setitem(machine, status, frozenset())
    session = Silent("host=nowhere", QUERIES)
    with pytest.raises(ValueError, match="no move from"):
        DOES[name](State.over(session))
    assert [asked for asked in session.asked if MOVING.search(asked)] == []


class Silent(Session):
    """A session that only notes what it would ask its database."""

    def __init__(self, conninfo: str, queries: Path) -> None:
        super().__init__(conninfo, queries)
        self.asked: list[str] = []

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        yield self

    @contextmanager
    def _single(self) -> Iterator[Any]:
        yield self

    def execute(self, asked: bytes, *_: object) -> None:
        self.asked.append(asked.decode())
        raise AssertionError("the database was asked before the state machine")


def test_no_method_that_moves_is_missing_here() -> None:
    """Every public method that asks the state machine is among those tried above."""
    state = State.over(Silent("host=nowhere", QUERIES))
    owners = [*(type(getattr(state, name)) for name in State.__slots__), Retention, Erasures, Resets]
    moving = {
        f"{owner.__name__}.{name}"
        for owner in owners
        for name, member in vars(owner).items()
        if isinstance(member, FunctionType)
        and not name.startswith("_")
        and {"refuse_unlisted", "_move", "_end"} & set(member.__code__.co_names)
    }
    assert moving == DOES.keys()


@pytest.mark.parametrize(("file", "name"), STATEMENTS)
def test_every_statement_is_described(file: str, name: str) -> None:
    """What it does and what its caller must know, in the lines below its name."""
    if file == "browsing" and name.startswith(("of_", "after_")):
        return  # conditions of a statement: the head of the file describes them
    first = STATEMENTS[file, name].lstrip().split("\n")[0]
    assert first.startswith("-- ")
    assert len(first) > len("-- One text")


def test_every_class_of_the_state_has_its_statements_beside_it() -> None:
    modules = {file.stem for file in QUERIES.glob("*.sql")}
    assert modules <= {file.stem for file in QUERIES.glob("*.py")}
    state = State.over(Session("host=nowhere", QUERIES))
    for name in set(State.__slots__) - {"session"}:
        owner = type(getattr(state, name)).__module__.rpartition(".")[2]
        assert owner in modules
