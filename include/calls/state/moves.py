"""Moves of recordings from status to status: guarded, each with its event, in one statement."""

import json
import os
import socket
from collections.abc import Mapping, Set
from typing import Any, Unpack
from uuid import UUID

from psycopg.types.json import Jsonb

from include.calls.domain.states import BEFORE_WORK, RECORD_MOVES, UNFINISHED, RecordStatus, refuse_unlisted
from include.calls.state.bulk_changes import bulk_change
from include.calls.state.types import RecordingColumns, Run
from include.common.errors import ExportError
from include.common.postgres_session import Session, storable, storable_detail

_FILE = "moves"
_S = RecordStatus
_WITH_TEXT = [_S.COMPLETED]


class Moves:
    """Every change of `recordings.status`, except those of a listing, of the DLQ and of a person's SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def take(
        self,
        run_id: UUID,
        recording_id: int,
        to: RecordStatus,
        *,
        stage: str,
        owner: UUID | None = None,
        **columns: Unpack[RecordingColumns],
    ) -> bool:
        """Takes a recording to work: pending -> downloading, downloaded -> transcribing.

        False if its status has changed. Take the claim on its call first: only its `owner` moves the recording then.
        """
        return self._move(run_id, recording_id, to, {BEFORE_WORK[to]}, stage, owner, None, 0, {}, columns)

    def move(
        self,
        run_id: UUID,
        recording_id: int,
        to: RecordStatus,
        *,
        expected: Set[RecordStatus],
        stage: str,
        owner: UUID | None = None,
        error: ExportError | None = None,
        attempts_plus: int = 0,
        detail: Mapping[str, Any] | None = None,
        **columns: Unpack[RecordingColumns],
    ) -> bool:
        """False if the recording is in none of the `expected` statuses, or if another run or claim works on it.

        `error` fills error_code and error_message; it starts the clock of the DLQ only if it counts as an attempt.
        Reaching `downloaded` or `completed` without an error clears them. ValueError for a move the state machine
        lacks. The event of a text has its minutes and its sha256; `detail` is added to the event.
        """
        if to in BEFORE_WORK:
            raise ValueError(f"a recording enters {to} by Moves.take")
        return self._move(run_id, recording_id, to, expected, stage, owner, error, attempts_plus, detail or {}, columns)

    def _move(
        self,
        run_id: UUID,
        recording_id: int,
        to: RecordStatus,
        expected: Set[RecordStatus],
        stage: str,
        owner: UUID | None,
        error: ExportError | None,
        attempts_plus: int,
        detail: Mapping[str, Any],
        columns: RecordingColumns,
    ) -> bool:
        refuse_unlisted(expected, to, RECORD_MOVES)
        unknown = columns.keys() - RecordingColumns.__annotations__.keys()
        if unknown:
            raise ValueError(f"not columns of RecordingColumns: {', '.join(sorted(unknown))}")
        has_text = to is _S.COMPLETED
        ends_download = to is _S.DOWNLOADED and _S.DOWNLOADING in expected
        message = storable(str(error)) if error else None
        moved = self._session.count(
            _FILE,
            "move",
            run_id=run_id,
            recording_id=recording_id,
            to=to,
            expected=sorted(expected),
            stage=stage,
            process=f"{socket.gethostname()}/{os.getpid()}",
            owner=owner,
            takes=to in BEFORE_WORK,
            at_work=sorted(BEFORE_WORK),
            has_text=has_text,
            passed=error is None and (has_text or ends_download),
            counts=error is not None and attempts_plus > 0,
            ends=to not in UNFINISHED or ends_download,
            attempts_plus=attempts_plus,
            error_code=error.code if error else None,
            error_message=message,
            columns=Jsonb(columns, dumps=_dumps),
            detail=Jsonb(storable_detail(({"reason": message} if message else {}) | dict(detail))),
        )
        return moved == 1

    def take_back(self, run_id: UUID, recording_id: int, status: RecordStatus, *, stage: str) -> int:
        """Takes back what a dead task of any run left in `downloading` or `transcribing` (`status`).

        Called under the claim on its call, which proves that the task is dead. Costs no attempt, but counts as a death:
        returns how many tasks have died on the recording, 0 if its status has changed.
        """
        expected, to = {status}, BEFORE_WORK[status]
        refuse_unlisted(expected, to, RECORD_MOVES)
        values = {"run_id": run_id, "recording_id": recording_id, "expected": sorted(expected), "to": to}
        deaths = self._session.value(_FILE, "take_back", stage=stage, **values)
        return int(deaths or 0)

    def reopen_batch(self, run_id: UUID, batch_no: int, *, to: RecordStatus, stage: str) -> int:
        """Errors of the batch are tried again: those with stored audio if `to` is downloaded, else those without.

        Recordings in the DLQ stay there. Returns how many were reopened.
        """
        expected = {_S.ERROR}
        refuse_unlisted(expected, to, RECORD_MOVES)
        with bulk_change(self._session):
            return self._session.count(
                _FILE,
                "reopen_batch",
                run_id=run_id,
                batch_no=batch_no,
                expected=sorted(expected),
                stored=to is _S.DOWNLOADED,
                to=to,
                stage=stage,
            )

    def take_up(self, run: Run, *, stage: str, summaries: bool, resumed: bool = False) -> int:
        """Everything of the run's period that is to be done becomes its work; returns how many recordings.

        That is what is unfinished, in error, or was missing and is due on the run's night. `resumed`: a person asks,
        so missing audio is tried whenever it is due, and deaths of earlier tasks are forgotten. `summaries`: texts
        without a summary, too. Recordings in the DLQ stay there.
        """
        failed, missing = [_S.ERROR], [_S.MISSING_AUDIO]
        expected = {_S.ERROR, _S.MISSING_AUDIO}
        refuse_unlisted(expected, _S.PENDING, RECORD_MOVES)
        refuse_unlisted({_S.ERROR}, _S.DOWNLOADED, RECORD_MOVES)
        with bulk_change(self._session):
            return self._session.count(
                _FILE,
                "take_up",
                run_id=run.run_id,
                unfinished=sorted(UNFINISHED),
                failed=failed,
                missing=missing,
                with_text=_WITH_TEXT,
                expected=sorted(expected),
                summaries=summaries,
                resumed=resumed,
                tonight=run.night,
                stored_to=_S.DOWNLOADED,
                to=_S.PENDING,
                stage=stage,
            )

    def share_text(self, run_id: UUID, recording_id: int, *, stage: str) -> bool:
        """Completes a downloaded recording with the text of another recording of the call that has the same bytes.

        Nothing is paid. Called under the claim on the call. False if there is no such text.
        """
        expected, to = {_S.DOWNLOADED}, _S.COMPLETED
        refuse_unlisted(expected, to, RECORD_MOVES)
        values = {"run_id": run_id, "recording_id": recording_id, "expected": sorted(expected), "to": to}
        return self._session.count(_FILE, "share_text", with_text=_WITH_TEXT, stage=stage, **values) == 1


def _dumps(columns: Mapping[str, Any]) -> str:
    return json.dumps(columns, default=str)  # numbers and dates as text: PostgreSQL casts them to the column's type
