"""The portals whose calls are known."""

from collections.abc import Sequence
from datetime import datetime

from include.calls.domain.stages import Stage
from include.common.postgres_session import Session

_FILE = "portals"


class Portals:
    """The tables `portals` and `portal_hosts`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def is_known(self, host: str) -> bool:
        return self._session.value(_FILE, "portal_of", host=host) is not None

    def newest_calls(self) -> list[datetime]:
        """When the newest call that each known portal lists began: it lists the call under a new address, too."""
        return [at for (at,) in self._session.values(_FILE, "newest_calls")]

    def of(self, host: str, sample: Sequence[tuple[int, str]]) -> int:
        """The number of the portal at this address.

        `sample` are statistics ids and CALL_IDs of some listed calls: a new address whose rows are known belongs to a
        portal that was renamed (event `portal_renamed`).
        """
        known = self._session.value(_FILE, "portal_of", host=host)
        if known is not None:
            return int(known)
        with self._session.transaction():
            ids, call_ids = [number for number, _ in sample], [call_id for _, call_id in sample]
            same = self._session.value(_FILE, "same_portal", statistics_ids=ids, call_ids=call_ids)
            if same is not None:
                self._session.count(_FILE, "add_address", host=host, portal_id=same, stage=Stage.LIST_CALLS)
                return int(same)
            return self._session.count(_FILE, "add_portal", host=host)
