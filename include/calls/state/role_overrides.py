"""The table `call_role_overrides`: whose channel is the operator's, where a person has corrected one call."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from include.calls.policy import Channel
from include.common.postgres_session import Session, storable

_FILE = "role_overrides"


class RoleOverride(NamedTuple):
    """`operator_channel` None: the policy decides again, after a person took the correction back."""

    operator_channel: Channel | None
    by: str
    at: datetime


class RoleOverrides:
    """Keyed by the recording that the text was bought for: two recordings of a call may share it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, recording_id: int) -> RoleOverride | None:
        found = self._session.values(_FILE, "of", recording_id=recording_id)
        return RoleOverride(*found[0]) if found else None

    def channel_of(self, recording_id: int) -> Channel | None:
        """The operator's channel by a person's word; None: as the policy says."""
        known = self.of(recording_id)
        return known.operator_channel if known else None

    def keep(self, recording_id: int, operator_channel: Channel | None, *, by: str) -> bool:
        """False if it is so already."""
        values = {"recording_id": recording_id, "operator_channel": operator_channel, "by": storable(by)}
        return bool(self._session.count(_FILE, "keep", **values))

    def of_line(self, phone_line: str) -> int:
        """In how many calls of the line people have corrected the roles."""
        found: int = self._session.value(_FILE, "of_line", phone_line=phone_line)
        return found

    def outdated_runs(self) -> list[UUID]:
        """Runs whose registry and report are older than a correction of one of their calls."""
        return [run_id for (run_id,) in self._session.values(_FILE, "outdated")]
