"""Paid responses of recognisers and language models, kept until their text is stored."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from include.calls.state.charges import parameters
from include.calls.state.types import Charge
from include.common.errors import Temporary
from include.common.postgres_session import Session

_FILE = "stored_responses"
DATABASE_PAUSES = (0.5, 1, 2, 4, 8, 16, 30, 60)  # seconds: two minutes, longer than PostgreSQL takes to recover
_FREE = dict.fromkeys(Charge.__slots__)


class Responses:
    """The table `recognition_responses`. `checksum` is that of the whole audio, of a text's body for its summary."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def stored(self, checksum: str, model: str) -> dict[str, Any]:
        """Paid responses by piece."""
        return dict(self._session.values(_FILE, "stored_responses", checksum=checksum, model=model))

    def stored_one(self, checksum: str, piece: str, model: str) -> Any | None:
        return self._session.value(_FILE, "stored_response", checksum=checksum, piece=piece, model=model)

    def keep(
        self,
        run_id: UUID,
        recording_id: int,
        checksum: str,
        piece: str,
        model: str,
        response: Mapping[str, Any],
        charge: Charge | None,
    ) -> None:
        """Stores a response and charges it in one statement; a response kept twice is charged once.

        The response is paid for, so a database that restarts is waited for. `charge` is None for a free response.
        """
        values = {"checksum": checksum, "piece": piece, "model": model, "response": Jsonb(dict(response))}
        paid = {**_FREE, **(parameters(charge) if charge else {}), "model": charge.model if charge else model}
        paid = {f"charge_{name}": value for name, value in paid.items()}
        payer = {"run_id": run_id, "recording_id": recording_id, "charged": charge is not None}
        for pause in DATABASE_PAUSES:
            try:
                self._session.count(_FILE, "keep_response", **values, **paid, **payer)
            except Temporary:
                time.sleep(pause)
            else:
                return
        self._session.count(_FILE, "keep_response", **values, **paid, **payer)

    def forget(self, checksum: str) -> None:
        """The responses of a recording whose text is stored."""
        self._session.count(_FILE, "forget_responses", checksum=checksum)

    def forget_old(self, *, received_before: datetime) -> int:
        """Responses whose recording never got its text, and those of summaries, which are kept to be found again."""
        return self._session.count(_FILE, "forget_old_responses", received_before=received_before)
