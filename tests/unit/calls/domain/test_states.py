"""The state machines: sound, and drawn as they are.

`python -m tests.unit.calls.domain.test_states` writes the drawing anew.
"""

from collections.abc import Mapping, Set
from enum import StrEnum

import pytest

from include.calls.domain.states import (
    BEFORE_WORK,
    BY_HAND,
    RECORD_MOVES,
    RUN_MOVES,
    UNFINISHED,
    WAITING,
    RecordStatus,
    RunStatus,
)
from tests.kit.paths import ROOT

DRAWING = ROOT / "docs" / "state_machine.md"
INTRODUCTION = """\
# State machines

Drawn from `include/calls/domain/states.py` by `python -m tests.unit.calls.domain.test_states`; a test compares them.
The comments beside the statuses there say what each one means. Every method that moves a run or recordings refuses a
move that is not in the drawing. Its UPDATE names the statuses it expects, so two processes cannot make the same move
twice, and the same statement writes the move into `call_events` (`tests/unit/calls/state/test_moves.py`).
A run has no copies of recordings: `call_records.status` is the status of the recording in every run that reports it.
"""


def drawing() -> str:
    runs = mermaid(RUN_MOVES, start=[RunStatus.PENDING])
    records = mermaid(RECORD_MOVES, start=[RecordStatus.PENDING, RecordStatus.NO_RECORDING])
    return "\n".join(
        [
            INTRODUCTION,
            f"## A run (`call_exports.status`)\n\n{runs}",
            f"## A recording (`recordings.status`, `call_records.status`)\n\n{records}",
            by_hand(),
        ]
    )


def by_hand() -> str:
    statuses = ", ".join(f"`{status}`" for status in sorted(BY_HAND))
    return f"""\
## What a person may move

`UPDATE call_records SET status = 'pending' ...` (the runbook has the whole statement) sends a recording back from
{statuses}, if no task works on it. Any other row of the same UPDATE is left
alone with a warning, and any other status is refused.
"""


def mermaid(moves: Mapping[StrEnum, Set[StrEnum]], start: list[StrEnum]) -> str:
    lines = [f"    [*] --> {state}" for state in start]
    lines += [f"    {state} --> {to}" for state, targets in moves.items() for to in sorted(targets)]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```", ""])


def test_the_drawing_is_current() -> None:
    assert DRAWING.read_text(encoding="utf-8") == drawing()


@pytest.mark.parametrize(("moves", "statuses"), [(RUN_MOVES, RunStatus), (RECORD_MOVES, RecordStatus)])
def test_every_state_can_be_left_and_none_moves_to_itself(
    moves: Mapping[StrEnum, Set[StrEnum]], statuses: type[StrEnum]
) -> None:
    assert set(moves) == set(statuses)
    for state, targets in moves.items():
        assert targets
        assert targets <= set(statuses)
        assert state not in targets


def test_every_recording_can_reach_a_text() -> None:
    reached = {RecordStatus.COMPLETED}
    while more := {state for state, targets in RECORD_MOVES.items() if targets & reached} - reached:
        reached |= more
    assert reached == set(RecordStatus)


def test_unfinished_states_are_those_that_a_task_goes_on_with() -> None:
    ends = {RecordStatus.COMPLETED, RecordStatus.ERROR, RecordStatus.MISSING_AUDIO, RecordStatus.NO_RECORDING}
    assert set(RecordStatus) - ends == UNFINISHED
    assert UNFINISHED - BEFORE_WORK.keys() == WAITING


def test_work_begins_where_it_goes_back_to() -> None:
    """A task takes a recording from a status, and what a dead task left goes back there."""
    for work, before in BEFORE_WORK.items():
        assert work in RECORD_MOVES[before]
        assert before in RECORD_MOVES[work]


def test_a_person_sends_back_only_what_no_task_works_on() -> None:
    assert not BY_HAND & BEFORE_WORK.keys()
    assert all(RecordStatus.PENDING in RECORD_MOVES[status] for status in BY_HAND)


if __name__ == "__main__":
    DRAWING.write_text(drawing(), encoding="utf-8")
