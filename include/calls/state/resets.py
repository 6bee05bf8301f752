"""A person begins the work on the recordings of a period anew: texts are bought again."""

from collections.abc import Sequence
from dataclasses import replace

from include.calls.domain.reset_outcomes import ResetFigures, ResetOutcome
from include.calls.domain.stages import Stage
from include.calls.domain.states import BEFORE_WORK, NOT_ENDED, RECORD_MOVES, RecordStatus, refuse_unlisted
from include.calls.state.bulk_changes import bulk_change
from include.common.periods import Period
from include.common.postgres_session import Session

_FILE = "resets"
_S = RecordStatus
_WITH_TEXT, _MISSING = {_S.COMPLETED}, {_S.MISSING_AUDIO}
_EXPECTED = {_S.COMPLETED, _S.ERROR, _S.MISSING_AUDIO}


class Resets:
    """All moves and their events are one statement; a recording that is to be left alone gets neither."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def look(
        self, period: Period, *, lines: Sequence[str] | None = None, call_id: str | None = None
    ) -> list[ResetFigures]:
        """What `reset` would do now; nothing is moved."""
        return self._reset(period, lines, call_id, actor="", does=False)

    def reset(
        self, period: Period, *, actor: str, lines: Sequence[str] | None = None, call_id: str | None = None
    ) -> list[ResetFigures]:
        """Completed recordings go back to their stored audio, failed ones to it or to the portal, missing ones too."""
        refuse_unlisted(_EXPECTED - _WITH_TEXT, _S.PENDING, RECORD_MOVES)
        refuse_unlisted(_EXPECTED - _MISSING, _S.DOWNLOADED, RECORD_MOVES)
        return self._reset(period, lines, call_id, actor=actor, does=True)

    def _reset(
        self, period: Period, lines: Sequence[str] | None, call_id: str | None, *, actor: str, does: bool
    ) -> list[ResetFigures]:
        with bulk_change(self._session):  # a hold and an erasure are placed under the same lock
            found = self._session.rows(
                _FILE,
                "reset",
                ResetFigures,
                period_from=period.start,
                period_to=period.end,
                lines=None if lines is None else list(lines),
                call_id=call_id,
                actor=actor,
                does=does,
                stage=Stage.BY_HAND,
                expected=sorted(_EXPECTED),
                with_text=sorted(_WITH_TEXT),
                missing=sorted(_MISSING),
                at_work=sorted(BEFORE_WORK),
                not_ended=sorted(NOT_ENDED),
                nothing_to_do=[_S.ERASED, _S.NO_RECORDING],
                to=_S.PENDING,
                stored_to=_S.DOWNLOADED,
                is_reset=ResetOutcome.RESET,
                is_unfinished=ResetOutcome.UNFINISHED,
                is_shared=ResetOutcome.SHARED,
                is_at_work=ResetOutcome.AT_WORK,
                is_held=ResetOutcome.HELD,
                is_ended=ResetOutcome.TEXT_ENDED,
                is_without_audio=ResetOutcome.WITHOUT_AUDIO,
            )
        return [replace(each, outcome=ResetOutcome(each.outcome)) for each in found]
