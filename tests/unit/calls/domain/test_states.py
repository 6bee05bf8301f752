"""The state machines: sound, and drawn as they are.

`python -m tests.unit.calls.domain.test_states` writes the drawing anew.
"""

from collections.abc import Mapping, Set
from enum import StrEnum

import pytest

from include.calls.domain.states import RECORD_MOVES, RUN_MOVES, UNFINISHED, RecordStatus, RunStatus
from tests.kit.paths import ROOT

DRAWING = ROOT / "docs" / "state_machine.md"
INTRODUCTION = """\
# State machines

Drawn from `include/calls/domain/states.py` by `python -m tests.unit.calls.domain.test_states`; a test compares them.
The comments beside the states there say what each one means. Whatever moves a run or a record, one or many, refuses a
move that is not in the picture; its UPDATE names the states it expects, so two processes never make the same move
twice, and the move is an event of `call_events`, written by the same statement
(`tests/unit/calls/state/test_moves.py`).
"""


def drawing() -> str:
    runs = mermaid(RUN_MOVES, start=[RunStatus.PENDING])
    records = mermaid(RECORD_MOVES, start=[RecordStatus.PENDING, RecordStatus.NO_RECORDING])
    return (
        f"{INTRODUCTION}\n## A run (`call_exports.status`)\n\n{runs}\n## A record (`call_records.status`)\n\n{records}"
    )


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


def test_every_record_can_reach_a_text() -> None:
    reached = {RecordStatus.COMPLETED}
    while more := {state for state, targets in RECORD_MOVES.items() if targets & reached} - reached:
        reached |= more
    assert reached == set(RecordStatus)


def test_unfinished_states_are_those_that_a_task_goes_on_with() -> None:
    ends = {RecordStatus.COMPLETED, RecordStatus.ERROR, RecordStatus.MISSING_AUDIO, RecordStatus.NO_RECORDING}
    assert set(RecordStatus) - ends == UNFINISHED


if __name__ == "__main__":
    DRAWING.write_text(drawing(), encoding="utf-8")
