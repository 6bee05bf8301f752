"""Stored recordings through another engine: what it was paid, what it heard, what a person adopted of it."""

import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from include.calls.domain.replay_figures import Heard, Wanted
from include.calls.domain.states import RecordStatus
from include.calls.state.stored_responses import DATABASE_PAUSES
from include.calls.state.stored_transcripts import columns_of
from include.calls.state.types import NewText
from include.common.errors import Temporary
from include.common.periods import Period
from include.common.postgres_session import Session
from include.speech.word_errors import Errors

_FILE = "replays"
_WITH_TEXT = [RecordStatus.COMPLETED]


class Replays:
    """The tables `replays` and `replay_responses`, and the ledger's rows of the purpose `replay`.

    `engine` is a model's name, with @ and the connection if the model is at another address than the recogniser's.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def wanted(self, period: Period, engine: str, most: int | None) -> list[Wanted]:
        """The texts of the period whose audio is stored; `most` of them, spread over the period."""
        return self._session.rows(
            _FILE,
            "wanted",
            Wanted,
            period_from=period.start,
            period_to=period.end,
            engine=engine,
            with_text=_WITH_TEXT,
            most=most,
        )

    def stored(self, checksum: str, engine: str) -> dict[str, tuple[Any, float]]:
        """Paid responses by piece, each with its seconds."""
        found = self._session.values(_FILE, "stored_responses", checksum=checksum, engine=engine)
        return {piece: (response, seconds) for piece, response, seconds in found}

    def keep_response(
        self,
        recording_id: int,
        checksum: str,
        piece: str,
        engine: str,
        response: Mapping[str, Any],
        *,
        work_sec: float,
        audio_sec: Decimal,
        usd: Decimal,
    ) -> None:
        """Stores a response and charges it in one statement; a response kept twice is charged once.

        The response is paid for, so a database that restarts is waited for.
        """
        values = {
            "recording_id": recording_id,
            "checksum": checksum,
            "piece": piece,
            "engine": engine,
            "response": Jsonb(dict(response)),
            "seconds": round(Decimal(repr(work_sec)), 3),
            "quantity": audio_sec,
            "usd": usd,
        }
        for pause in DATABASE_PAUSES:
            try:
                self._session.count(_FILE, "keep_response", **values)
            except Temporary:
                time.sleep(pause)
            else:
                return
        self._session.count(_FILE, "keep_response", **values)

    def keep(
        self,
        recording_id: int,
        engine: str,
        checksum: str,
        path: str,
        *,
        audio_sec: Decimal,
        seconds: Decimal,
        against: int,
        errors: Errors,
        price: Decimal,
    ) -> bool:
        """What the engine heard, compared with the text `against`; its price grows to the whole minutes of `audio_sec`.

        Its responses are forgotten: they are in the file `path`. False if retention has ended the text or the
        recognition meanwhile: only the price is noted.
        """
        names = {"recording_id": recording_id, "engine": engine}
        minutes = -(-audio_sec // 60) * 60
        with self._session.transaction():
            kept = self._session.count(
                _FILE,
                "keep",
                **names,
                checksum=checksum,
                path=path,
                audio_sec=audio_sec,
                seconds=seconds,
                against=against,
                words=errors.words,
                substitutions=errors.substitutions,
                deletions=errors.deletions,
                insertions=errors.insertions,
            )
            self._session.count(_FILE, "round_up", **names, quantity=minutes, usd=price)
            self._session.count(_FILE, "forget_responses", checksum=checksum, engine=engine)
        return bool(kept)

    def heard(self, engine: str, recordings: Sequence[int]) -> list[Heard]:
        """What the engine heard of these recordings, in the order of the calls."""
        return self._session.rows(
            _FILE, "heard", Heard, engine=engine, recordings=list(recordings), with_text=_WITH_TEXT
        )

    def note_earlier(self, recording_id: int, engine: str, path: str) -> None:
        """Called before the recognition of the text that is to be replaced is copied to `path`."""
        self._session.count(_FILE, "note_earlier", recording_id=recording_id, engine=engine, path=path)

    def adopt(
        self,
        recording_id: int,
        engine: str,
        read_id: int,
        text: NewText,
        *,
        needs_review: bool,
        review_reasons: Sequence[str],
        actor: str,
        stage: str,
    ) -> bool:
        """The engine's text takes the place of the text `read_id`, with an event.

        False if that one is not current, if the audio is another than the engine heard, or if it is adopted already.
        """
        adopted = self._session.values(
            _FILE,
            "adopt",
            recording_id=recording_id,
            engine=engine,
            read_id=read_id,
            needs_review=needs_review,
            review_reasons=list(review_reasons),
            with_text=_WITH_TEXT,
            actor=actor,
            stage=stage,
            **columns_of(text),
        )
        return bool(adopted)

    def summaries(self, recording_id: int) -> list[str]:
        """The files of the summaries of the recording's text."""
        return [path for (path,) in self._session.values(_FILE, "summaries", recording_id=recording_id)]
