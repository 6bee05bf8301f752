"""Answers that were paid for are kept at once, whatever the database does at that moment (D19)."""

import time
from collections.abc import Mapping
from typing import Any

from include.calls.state.rows import Payment
from include.calls.state.state import State
from include.common.errors import Temporary

DATABASE_PAUSES = (0.5, 1, 2, 4, 8, 16, 30, 60)  # seconds: two minutes, longer than PostgreSQL takes to recover


def keep_answer(
    state: State, checksum: str, piece: str, model: str, answer: Mapping[str, Any], paid: Payment | None = None
) -> None:
    """The answer is paid for: a database that restarts is waited for with it in hand.

    `paid` puts its price into the row of its recording at the same moment.
    """
    for pause in DATABASE_PAUSES:
        try:
            state.save_answer(checksum, piece, model, answer, paid)
        except Temporary:
            time.sleep(pause)
        else:
            return
    state.save_answer(checksum, piece, model, answer, paid)
