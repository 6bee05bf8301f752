"""The two state machines, written once: states, allowed moves, who makes them.

Every method of `include/calls/state` asks here before it moves anything (`refuse_unlisted`). Its UPDATE gets both
ends as parameters and names the states it expects, so two processes can never make the same move twice, and writes the
move into `call_events` in the same statement. `tests/unit/calls/state/test_moves.py` holds all of it.
"""

from enum import StrEnum


class RunStatus(StrEnum):
    PENDING = "pending"  # registered, nothing done yet
    RUNNING = "running"  # a DAG run works on it
    COMPLETED = "completed"  # coverage >= 99 % and errors <= 1 % (D16), or a finished dry run
    ERROR = "error"  # stopped, or below that bar
    CANCELLED = "cancelled"  # a person said no to its cost, or nobody said yes in time


class RecordStatus(StrEnum):
    PENDING = "pending"  # has a recording that is not downloaded yet
    DOWNLOADING = "downloading"  # a task is fetching it
    DOWNLOADED = "downloaded"  # the audio is stored, checksum known
    TRANSCRIBING = "transcribing"  # a task is recognising it
    COMPLETED = "completed"  # its text is stored
    ERROR = "error"  # gave up in this run; resume or a clear tries again
    MISSING_AUDIO = "missing_audio"  # the portal's link is dead for good
    NO_RECORDING = "no_recording"  # the call has no recording (missed, or not there yet: D10)


RUN_MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.PENDING: frozenset({RunStatus.RUNNING, RunStatus.ERROR, RunStatus.CANCELLED}),
    RunStatus.RUNNING: frozenset({RunStatus.COMPLETED, RunStatus.ERROR, RunStatus.CANCELLED}),
    # resume, or a cleared task, opens a finished run again
    RunStatus.COMPLETED: frozenset({RunStatus.RUNNING}),
    RunStatus.ERROR: frozenset({RunStatus.RUNNING}),
    RunStatus.CANCELLED: frozenset({RunStatus.RUNNING}),
}

_S = RecordStatus
RECORD_MOVES: dict[RecordStatus, frozenset[RecordStatus]] = {
    # `completed` straight from `pending`: the text of an earlier run is reused (D3)
    _S.PENDING: frozenset({_S.DOWNLOADING, _S.COMPLETED, _S.ERROR}),
    # back to `pending`: a failure that may pass, or a task that died in mid-download
    _S.DOWNLOADING: frozenset({_S.DOWNLOADED, _S.PENDING, _S.MISSING_AUDIO, _S.ERROR}),
    # back to `pending`: the stored audio turned out missing or changed
    _S.DOWNLOADED: frozenset({_S.TRANSCRIBING, _S.PENDING, _S.COMPLETED, _S.ERROR}),
    _S.TRANSCRIBING: frozenset({_S.COMPLETED, _S.DOWNLOADED, _S.PENDING, _S.ERROR}),
    # by hand (the runbook's UPDATE), or a reused text whose file is gone: it is bought again
    _S.COMPLETED: frozenset({_S.PENDING}),
    _S.ERROR: frozenset({_S.PENDING, _S.DOWNLOADED}),  # resume; `downloaded` where the audio is stored
    _S.MISSING_AUDIO: frozenset({_S.PENDING}),  # resume asks the portal once more
    _S.NO_RECORDING: frozenset({_S.PENDING}),  # a late recording has arrived (D10)
}

UNFINISHED = frozenset({_S.PENDING, _S.DOWNLOADING, _S.DOWNLOADED, _S.TRANSCRIBING})
