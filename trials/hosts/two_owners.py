"""Rounds of two owners who want the same call, each with pauses at its statements: never both have it, never both save.

Even rounds have a long lease: a pause must not let the other one in. In odd rounds pauses outlast the lease, as those
of a host that was stopped and goes on: its successor works, and what the first one does afterwards must change nothing.
"""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.state import claims
from include.calls.state.state import State
from include.calls.state.types import NewRun, Run
from include.common.postgres_session import Session
from include.common.telephony import Call, CallOutcome, Direction

S = RecordStatus
AT_ONCE = 8  # rounds
LONG, SHORT = 45.0, 0.2  # seconds of a lease
OWNERS = 2
MOST_TRIES = 400


@dataclass(slots=True)
class Figures:
    """`both_held`: rounds in which both owners had the call at once; `saved_twice`: in which both saved.

    `lost`: leases that ran out in a pause, as their owner found; `late`: saves that changed nothing because of that.
    """

    rounds: int = 0
    granted: int = 0
    refused: int = 0
    lost: int = 0
    late: int = 0
    both_held: int = 0
    saved_twice: int = 0
    unsaved: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, **more: int) -> None:
        with self._lock:
            for name, number in more.items():
                setattr(self, name, getattr(self, name) + number)


def two_owners(url: str, rounds: int, seed: int) -> Figures:
    """`url` may be a pooler's."""
    figures, rng = Figures(), random.Random(seed)
    with State.open(url) as state:
        run = _run(state, rounds)
        recordings = [(row.recording_id, row.portal_id, row.call_id) for row in state.recordings.of_run(run.run_id)]
    for lease, some in ((LONG, recordings[::2]), (SHORT, recordings[1::2])):
        seeds = [rng.random() for _ in some]
        with (
            patch.object(claims, "LEASE_SECONDS", lease),
            patch.object(claims, "RENEWED_EVERY", 3600.0),  # a process that is stopped renews nothing
            ThreadPoolExecutor(AT_ONCE) as pool,
        ):
            played = [
                pool.submit(_round, url, run.run_id, each, lease, own, figures)
                for each, own in zip(some, seeds, strict=True)
            ]
            for each in played:
                each.result()
    return figures


@dataclass(slots=True)
class _Round:
    url: str
    run_id: UUID
    recording: tuple[int, int, str]
    lease: float
    figures: Figures
    lock: threading.Lock = field(default_factory=threading.Lock)
    holders: int = 0
    saves: int = 0


def _round(
    url: str, run_id: UUID, recording: tuple[int, int, str], lease: float, seed: float, figures: Figures
) -> None:
    played = _Round(url, run_id, recording, lease, figures)
    with ThreadPoolExecutor(OWNERS) as pool:
        owners = [pool.submit(_owner, played, random.Random(seed + number)) for number in range(OWNERS)]
        for each in owners:
            each.result()
    figures.add(rounds=1, saved_twice=played.saves > 1, unsaved=played.saves == 0)


def _owner(played: _Round, rng: random.Random) -> None:
    """What a task does with a recording, until the recording is saved."""
    recording_id, portal_id, call_id = played.recording
    with State.open(played.url) as state, _pauses(state, played.lease, rng):
        for _ in range(MOST_TRIES):
            with state.claims.hold(portal_id, call_id) as claim:
                if claim is None:
                    played.figures.add(refused=1)
                else:
                    played.figures.add(granted=1)
                    with _watched(played):
                        _work(state, played, recording_id, claim.owner)
                        played.figures.add(lost=not claim.alive())
            if state.recordings.get(recording_id).status is S.DOWNLOADED:
                return
            time.sleep(rng.uniform(0.01, 0.05))


def _work(state: State, played: _Round, recording_id: int, owner: UUID) -> None:
    run_id = played.run_id
    if state.recordings.get(recording_id).status is S.DOWNLOADING:
        state.moves.take_back(run_id, recording_id, S.DOWNLOADING, stage="download")
    if not state.moves.take(run_id, recording_id, S.DOWNLOADING, stage="download", owner=owner):
        return
    saved = state.moves.move(
        run_id, recording_id, S.DOWNLOADED, expected={S.DOWNLOADING}, stage="download", owner=owner
    )
    if saved:
        with played.lock:
            played.saves += 1
    else:
        played.figures.add(late=1)


@contextmanager
def _watched(played: _Round) -> Iterator[None]:
    """Counts holders where no lease can have run out."""
    with played.lock:
        played.holders += 1
        both = played.holders > 1 and played.lease == LONG
    played.figures.add(both_held=both)
    try:
        yield
    finally:
        with played.lock:
            played.holders -= 1


@contextmanager
def _pauses(state: State, lease: float, rng: random.Random) -> Iterator[None]:
    """Stops before statements, where the lease is short for longer than that."""
    sessions: list[Session] = [state.session, state.claims._session]
    longest = 0.01 if lease == LONG else lease * 1.5

    def stopped(session: Session) -> Any:
        plain = session.statement

        def statement(file: str, name: str) -> bytes:
            if rng.random() < 0.2:
                time.sleep(rng.uniform(0, longest))
            return plain(file, name)

        return patch.object(session, "statement", statement)

    with stopped(sessions[0]), stopped(sessions[1]):
        yield


def _run(state: State, rounds: int) -> Run:
    """A run with a call for each round."""
    began = datetime(2025, 8, 1, tzinfo=UTC)
    name = uuid4()
    run = state.runs.open(
        NewRun(
            run_id=name,
            dag_run_id=str(name),
            idempotency_key=str(name),
            period_from=began,
            period_to=began + timedelta(days=1),
            actor="trial",
            trigger="manual",
            due_at=began + timedelta(days=2),
            metadata={"limit_calls": 0},
        )
    )
    state.runs.move(run.run_id, RunStatus.RUNNING, expected={RunStatus.PENDING}, stage="open_run")
    calls = [_call(number, began) for number in range(1, rounds + 1)]
    portal_id = state.portals.of(f"{name}.example", [(each.statistics_id, each.call_id) for each in calls])
    state.runs.set_portal(run.run_id, portal_id)
    run = state.runs.get(run.run_id)
    state.listing.save(run, portal_id, calls, {})
    state.moves.take_up(run, stage="plan", summaries=False)
    return run


def _call(number: int, began: datetime) -> Call:
    return Call(
        statistics_id=number,
        call_id=f"call-{number}",
        record_id=str(number),
        started_at=began + timedelta(seconds=number),
        direction=Direction.INBOUND,
        phone_line="line",
        client_number="",
        employee_id="1",
        duration_sec=60,
        outcome=CallOutcome.ANSWERED,
        outcome_code="200",
        has_recording=True,
        recording_ref=str(number),
        recording_url=None,
    )
