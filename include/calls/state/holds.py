"""The table `holds`: calls, phone lines and periods that retention does not touch."""

from dataclasses import dataclass
from datetime import datetime

from include.calls.domain.audit_chain import Action
from include.calls.state.audit import AuditLog, Detail
from include.calls.state.bulk_changes import bulk_change
from include.common.errors import BadInput
from include.common.periods import Period
from include.common.postgres_session import Session

_FILE = "holds"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is held: exactly one of a call, a phone line of the company, and the calls of a period."""

    call_id: str | None = None
    phone_line: str | None = None
    period: Period | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """`recordings` are concerned at this moment, of `ended` ones the text had ended before. `until` is exclusive."""

    hold_id: int
    call_id: str | None
    phone_line: str | None
    period_from: datetime | None
    period_to: datetime | None
    reason: str
    placed_by: str
    placed_at: datetime
    until: datetime | None
    recordings: int
    ended: int


class Holds:
    """Each change is in the audit log, in the same transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def place(self, subject: Subject, *, reason: str, by: str, until: datetime | None) -> Hold:
        """Raises BadInput for a call or a line that no recording has: nothing would be kept."""
        with bulk_change(self._session):  # an erasure looks for holds under the same lock
            hold_id = self._session.value(
                _FILE,
                "place",
                call_id=subject.call_id,
                phone_line=subject.phone_line,
                period_from=subject.period.start if subject.period else None,
                period_to=subject.period.end if subject.period else None,
                reason=reason,
                placed_by=by,
                until=until,
            )
            (hold,) = self._session.rows(_FILE, "in_force", Hold, hold_id=hold_id)
            if not hold.recordings and subject.period is None:
                raise nothing_held(subject.call_id or subject.phone_line or "")
            detail: Detail = {"hold": hold.hold_id, "until": str(until or ""), "recordings": hold.recordings}
            self._record(Action.HOLD_PLACED, by, subject.call_id, reason, detail)
        return hold

    def lift(self, hold_id: int, *, by: str) -> bool:
        """False if there is no such hold in force."""
        with self._session.transaction():
            if not self._session.count(_FILE, "lift", hold_id=hold_id, lifted_by=by):
                return False
            self._record(Action.HOLD_LIFTED, by, None, "", {"hold": hold_id})
        return True

    def in_force(self) -> list[Hold]:
        return self._session.rows(_FILE, "in_force", Hold, hold_id=None)

    def _record(self, action: Action, by: str, call_id: str | None, reason: str, detail: Detail) -> None:
        AuditLog(self._session).record(action, actor=by, call_id=call_id, reason=reason, detail=detail)


def nothing_held(subject: str) -> BadInput:
    return BadInput(
        f"no recording has the call id or the phone line {subject!r}", problem="hold_of_nothing", text=subject
    )
