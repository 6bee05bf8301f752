"""The export's state: everything a task needs to know and everything it leaves behind."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.types.json import Jsonb

from include.calls.domain.states import RECORD_MOVES, RecordStatus
from include.calls.state.recordings import Records
from include.calls.state.rows import DeadLetter, Payment
from include.calls.state.runs import refuse_unlisted
from include.calls.state.session import connect, our_errors

_FILE = "answers"
_WAITING = frozenset({RecordStatus.PENDING, RecordStatus.DOWNLOADED})  # in no task's hands


class Claim:
    """A call in our hands for as long as the connection lives that holds its lock."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection

    def alive(self) -> bool:
        """False once the connection is lost, by a restart of PostgreSQL say: another may hold the claim by now."""
        try:
            self._connection.execute("SELECT 1")
        except (psycopg.OperationalError, psycopg.InterfaceError):
            return False
        return True


class State(Records):
    """`State(conninfo)`: one connection, opened on first use; a context manager that closes it.

    Every method is one short transaction; `with state.transaction() as connection:` joins several, or hands the
    connection to `reporting.py`. Raises Temporary where the database does not answer. Row times are the database's
    clock, one for all workers.
    """

    @contextmanager
    def claim_recording(self, call_id: str) -> Iterator[Claim | None]:
        """A claim for the one who may recognise this call's recordings now (D4), whatever run it works for; else None.

        The claim is on the call: its recordings may change names between runs, and then only their bytes tell them
        apart. It lives on a connection of its own, so that it ends with its process and threads exclude each other.
        """
        with our_errors():
            connection = connect(self._conninfo)
        try:
            with our_errors():
                row = connection.execute(
                    "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [f"recording of {call_id}"]
                ).fetchone()
            yield Claim(connection) if row and row[0] else None
        finally:
            connection.close()

    def saved_answers(self, checksum: str, model: str) -> dict[str, Any]:
        """Answers by piece that were paid for and have no stored transcript yet; `checksum` is the whole audio's."""
        return dict(self._values(_FILE, "saved_answers", checksum=checksum, model=model))

    def saved_answer(self, checksum: str, piece: str, model: str) -> Any | None:
        found = self._values(_FILE, "saved_answer", checksum=checksum, piece=piece, model=model)
        return found[0][0] if found else None

    def save_answer(
        self, checksum: str, piece: str, model: str, answer: Mapping[str, Any], paid: Payment | None = None
    ) -> None:
        """The first answer stays, and is paid once: a second one for the same piece is a retry that had crossed it."""
        run_id, (call_id, record_id), price = paid or (None, (None, None), None)
        saved = {"checksum": checksum, "piece": piece, "model": model, "answer": Jsonb(dict(answer))}
        payer = {"run_id": run_id, "call_id": call_id, "record_id": record_id, "price": price}
        self._count(_FILE, "save_answer", **saved, **payer)

    def forget_answers(self, checksum: str) -> None:
        self._count(_FILE, "forget_answers", checksum=checksum)

    def forget_old_answers(self, *, answered_before: datetime) -> int:
        """Answers whose recording never got its text, and summaries' answers, which are kept to be found again."""
        return self._count(_FILE, "forget_old_answers", answered_before=answered_before)

    def move_to_dlq(self, run_id: UUID, *, failed_before: datetime) -> int:
        """Takes recordings that have failed since before then, in whichever runs, out of the ordinary retries (D18)."""
        refuse_unlisted(_WAITING, RecordStatus.ERROR, RECORD_MOVES)
        return self._count(
            _FILE,
            "move_to_dlq",
            run_id=run_id,
            failed_before=failed_before,
            failing=sorted(_WAITING | {RecordStatus.ERROR}),
            expected=sorted(_WAITING),
            to=RecordStatus.ERROR,
        )

    def hold_dead_letters(self, run_id: UUID, *, stage: str) -> int:
        """Puts the run's recordings that wait in the dead letter queue in error, untried; returns how many."""
        refuse_unlisted(_WAITING, RecordStatus.ERROR, RECORD_MOVES)
        with self.transaction():
            self._count(_FILE, "let_go_by_hand", run_id=run_id)
            return self._count(
                _FILE,
                "hold_dead_letters",
                run_id=run_id,
                expected=sorted(_WAITING),
                to=RecordStatus.ERROR,
                stage=stage,
            )

    def dlq(self, run_id: UUID) -> list[DeadLetter]:
        return self._rows(_FILE, "dlq", DeadLetter, run_id=run_id)

    def replay(self, run_id: UUID, *, stage: str = "open_run") -> int:
        """Gives the run's recordings in the dead letter queue, whichever run put them there, another chance."""
        expected = {RecordStatus.ERROR}
        for to in (RecordStatus.DOWNLOADED, RecordStatus.PENDING):
            refuse_unlisted(expected, to, RECORD_MOVES)
        return self._count(
            _FILE,
            "replay",
            run_id=run_id,
            expected=sorted(expected),
            stored_to=RecordStatus.DOWNLOADED,
            to=RecordStatus.PENDING,
            stage=stage,
        )
