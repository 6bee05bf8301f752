"""The history of the smoke test: what each run found of each entry at each engine."""

from pathlib import Path
from typing import Any, Self

from psycopg.types.json import Jsonb

from include.common.postgres_session import Session, storable_detail
from include.smoke.domain.judgement import EntryResult
from include.smoke.domain.smoke_report import SmokeReport
from include.speech.spoken_words import NORMALISER

_FILE = "smoke_results"


class SmokeResults:
    """The table `stt_smoke_results`; the page of metrics reads it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @classmethod
    def open(cls, conninfo: str) -> Self:
        """`conninfo` is a libpq URL or keyword string. Raises Temporary if the database does not respond."""
        return cls(Session(conninfo, Path(__file__).parent))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def keep(self, report: SmokeReport) -> int:
        """Stores the results of a run; a second time they are the same rows. Returns how many."""
        return self._session.count(
            _FILE,
            "keep",
            smoke_id=report.smoke_id,
            at=report.at,
            playlist=report.playlist,
            playlist_hash=report.playlist_hash,
            normaliser=NORMALISER,
            results=Jsonb([_row(result) for engine in report.engines for result in engine.results]),
        )


def _row(result: EntryResult) -> dict[str, Any]:
    figures = result.figures
    return storable_detail(
        {
            "engine": result.engine,
            "model": result.model,
            "call_id": result.call_id,
            "record_id": result.record_id,
            "status": result.status,
            "wer": result.wer,
            "cer": figures and figures.characters.rate,
            "role_error": figures and figures.role_error,
            "words": figures.errors.words if figures else 0,
            "errors": figures.errors.total if figures else 0,
            "seconds": result.seconds,
            "audio_sec": result.audio_sec,
            "cost": str(result.cost),
            "error_code": result.error_code,
            "transcript_path": result.transcript_path,
        }
    )
