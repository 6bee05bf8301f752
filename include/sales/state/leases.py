"""Leases: one writer for each source's account, so that a backfill and the schedule never load one scope at once."""

from include.common.errors import LoadCode, Temporary
from include.common.postgres_session import Session

_FILE = "leases"
LEASE_SECONDS = 15 * 60.0  # renewed while a load works; a killed one is followed after this time


class Leases:
    """Rows of `sales.leases`; the holder is a DAG run, so that its retried tasks keep what it took."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def take(self, source: str, account: str, holder: str, seconds: float = LEASE_SECONDS) -> bool:
        """False while another one holds it."""
        found = self._session.value(_FILE, "take", source=source, account=account, holder=holder, seconds=seconds)
        return found is not None

    def renew(self, source: str, account: str, holder: str, seconds: float = LEASE_SECONDS) -> None:
        """Raises Temporary (`lease_taken`) if the lease ran out and another one has taken it."""
        if not self._session.count(_FILE, "renew", source=source, account=account, holder=holder, seconds=seconds):
            raise Temporary(
                f"the lease on {source} was taken by another run: this load writes no more",
                code=LoadCode.LEASE_TAKEN,
                problem="lease_lost",
                source=source,
            )

    def holder(self, source: str, account: str) -> str | None:
        found = self._session.value(_FILE, "holder", source=source, account=account)
        return None if found is None else str(found)

    def release(self, holder: str) -> None:
        """All leases of the holder."""
        self._session.count(_FILE, "release", holder=holder)
