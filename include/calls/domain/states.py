"""The two state machines, defined once: statuses and allowed moves.

Every method of `include/calls/state` that moves a run or a recording asks here first (`refuse_unlisted`). Its UPDATE
gets both ends as parameters and names the expected statuses, so two processes cannot make the same move twice, and
writes the move into `call_events` in the same statement. `tests/unit/calls/state/test_moves.py` checks all of it.
"""

from collections.abc import Mapping, Set
from enum import StrEnum
from typing import Any


class RunStatus(StrEnum):
    PENDING = "pending"  # registered, nothing done yet
    RUNNING = "running"  # a DAG run works on it
    COMPLETED = "completed"  # coverage >= 99 % and errors <= 1 %, or a finished dry run
    ERROR = "error"  # stopped, or below that bar
    CANCELLED = "cancelled"  # a person refused its cost, or no person decided in time


NOT_ENDED = frozenset({RunStatus.PENDING, RunStatus.RUNNING})


class RecordStatus(StrEnum):
    PENDING = "pending"  # has a recording that is not downloaded yet
    DOWNLOADING = "downloading"  # a task downloads it
    DOWNLOADED = "downloaded"  # the audio is stored, its checksum is known
    TRANSCRIBING = "transcribing"  # a task recognises it
    COMPLETED = "completed"  # its text is stored
    ERROR = "error"  # failed; a later run, a resume or a cleared task tries again
    MISSING_AUDIO = "missing_audio"  # the system does not give the audio; later runs ask on some of the next nights
    NO_RECORDING = "no_recording"  # the call has no recording (it was missed, or the recording has not arrived)
    ERASED = "erased"  # erased on a person's demand: nothing of the call is left, and it does not come back


RUN_MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.PENDING: frozenset({RunStatus.RUNNING, RunStatus.ERROR, RunStatus.CANCELLED}),
    RunStatus.RUNNING: frozenset({RunStatus.COMPLETED, RunStatus.ERROR, RunStatus.CANCELLED}),
    # a resume or a cleared task opens a finished run again
    RunStatus.COMPLETED: frozenset({RunStatus.RUNNING}),
    RunStatus.ERROR: frozenset({RunStatus.RUNNING}),
    RunStatus.CANCELLED: frozenset({RunStatus.RUNNING}),
}

_S = RecordStatus
_WORK: dict[RecordStatus, frozenset[RecordStatus]] = {
    # `missing_audio` from a waiting status: the retention period of its text is over, nothing is bought any more
    _S.PENDING: frozenset({_S.DOWNLOADING, _S.ERROR, _S.MISSING_AUDIO}),
    # back to `pending`: a failure that may pass, or a task that died during the download
    _S.DOWNLOADING: frozenset({_S.DOWNLOADED, _S.PENDING, _S.MISSING_AUDIO, _S.ERROR}),
    # `completed`: another recording of the call has the same bytes and a text
    # back to `pending`: the stored audio is missing or changed, or a person sent it back
    _S.DOWNLOADED: frozenset({_S.TRANSCRIBING, _S.PENDING, _S.COMPLETED, _S.ERROR, _S.MISSING_AUDIO}),
    _S.TRANSCRIBING: frozenset({_S.COMPLETED, _S.DOWNLOADED, _S.PENDING, _S.ERROR}),
    # a person sent it back, or reset its period (`downloaded`): a new text is bought
    _S.COMPLETED: frozenset({_S.PENDING, _S.DOWNLOADED}),
    # tried again; `downloaded` if the audio is stored
    _S.ERROR: frozenset({_S.PENDING, _S.DOWNLOADED, _S.MISSING_AUDIO}),
    _S.MISSING_AUDIO: frozenset({_S.PENDING}),  # the system is asked once more
    _S.NO_RECORDING: frozenset({_S.PENDING}),  # the recording has arrived late
}
# An erasure takes a recording out of every status; under the claim on its call, no task works on it.
RECORD_MOVES: dict[RecordStatus, frozenset[RecordStatus]] = {
    **{status: moves | {_S.ERASED} for status, moves in _WORK.items()},
    _S.ERASED: frozenset(),
}

UNFINISHED = frozenset({_S.PENDING, _S.DOWNLOADING, _S.DOWNLOADED, _S.TRANSCRIBING})
EXISTING = UNFINISHED | {_S.COMPLETED, _S.ERROR}  # the portal has the audio, as far as is known
WAITING = frozenset({_S.PENDING, _S.DOWNLOADED})  # unfinished, and no task works on it
BEFORE_WORK = {_S.DOWNLOADING: _S.PENDING, _S.TRANSCRIBING: _S.DOWNLOADED}  # the status from which a task takes it
BY_HAND = frozenset({_S.COMPLETED, _S.ERROR, _S.MISSING_AUDIO, _S.DOWNLOADED})  # what SQL of a person sets to `pending`


def refuse_unlisted(expected: Set[Any], to: Any, moves: Mapping[Any, Set[Any]]) -> None:
    """ValueError for a move that the state machine does not contain: the program is wrong, not the data."""
    wrong = sorted(state for state in expected if to not in moves[state])
    if wrong or not expected:
        raise ValueError(f"no move from {', '.join(wrong) or 'nothing'} to {to} in include/calls/domain/states.py")
