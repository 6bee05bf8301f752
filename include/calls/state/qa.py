"""The table `call_qa_checks`: what analysts found in recordings."""

from uuid import UUID

from include.calls.domain.qa_sample import QaCheck
from include.calls.domain.stages import Stage
from include.common.postgres_session import Session, storable

_FILE = "qa"


class QaChecks:
    """Verdicts of analysts, one per recording."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def record(self, run_id: UUID, check: QaCheck, *, by: str) -> bool | None:
        """True for a new verdict, False for one that is known; None if the run reports no such text."""
        ((there, changed),) = self._session.values(
            _FILE,
            "record_check",
            run_id=run_id,
            call_id=check.call_id,
            record_id=check.record_id,
            result=check.result,
            comment=storable(check.comment),
            checked_by=storable(by),
            stage=Stage.QA,
        )
        return bool(changed) if there else None

    def recordings_of_call(self, run_id: UUID, call_id: str) -> list[str]:
        """Names of the call's recordings that have a text."""
        found = self._session.values(_FILE, "recordings_of_call", run_id=run_id, call_id=call_id)
        return [record_id for (record_id,) in found]
