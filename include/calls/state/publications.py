"""Registries in the folders of periods: who writes, whose rows they show, which delivered files they refer to."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from include.common.periods import Period
from include.common.postgres_session import Session, storable

_FILE = "publications"
LIVE_EVERY_SEC = 30.0
LIVE_REST = 20.0  # at most a twentieth of a worker's time goes into registries that are soon replaced


class Delivery(NamedTuple):
    """How fresh delivered files are: texts and summaries up to `texts_at`, audio up to `audio_at` (None: no audio).

    `masked`: personal data is hidden in the texts, the registry and the report of the folder.
    """

    texts_at: datetime
    audio_at: datetime | None
    masked: bool = False


class Publications:
    """The tables `publications` and `deliveries`. `registry_key` is the storage key of the registry's CSV file."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def lock(self, registry_key: str) -> None:
        """Waits until no other task writes this registry; the lock lasts as long as the transaction around it."""
        self._session.values(_FILE, "lock", registry_key=registry_key)

    def lock_live(self, registry_key: str, run_id: UUID) -> bool:
        """The same without waiting, for a registry during a run.

        False if another task writes it, if it is fresh, if a complete one is there, or if the run has just begun.
        """
        due = {"registry_key": registry_key, "run_id": run_id, "every": LIVE_EVERY_SEC, "rest": LIVE_REST}
        if not self._session.value(_FILE, "live_due", **due):
            return False
        locked = self._session.value(_FILE, "try_lock", registry_key=registry_key)
        # another task may have written it between the question and the lock
        return bool(locked and self._session.value(_FILE, "live_due", **due))

    def owner(self, registry_key: str, run_id: UUID) -> UUID:
        """The run whose registry belongs at the key when `run_id` publishes: its own or that of a later run."""
        found: UUID = self._session.value(_FILE, "owner", registry_key=registry_key, run_id=run_id)
        return found

    def publisher(self, registry_key: str) -> UUID | None:
        """The run whose complete registry is at the key."""
        found: UUID | None = self._session.value(_FILE, "publisher", registry_key=registry_key)
        return found

    def written_at(self, registry_key: str) -> datetime | None:
        """When the complete registry at the key, and the report beside it, were last written; None without one."""
        found: datetime | None = self._session.value(_FILE, "written_at", registry_key=registry_key)
        return found

    def note(self, registry_key: str, run_id: UUID, *, complete: bool, rows: int, seconds: float) -> None:
        """The registry that was just written; `seconds` is how long that took."""
        facts = {"run_id": run_id, "complete": complete, "rows": rows, "seconds": seconds}
        self._session.count(_FILE, "note", registry_key=registry_key, **facts)

    def delivery(self, registry_key: str) -> Delivery | None:
        """None if no files were delivered for this registry."""
        found = self._session.values(_FILE, "delivery", registry_key=registry_key)
        return Delivery(*found[0]) if found else None

    def note_delivery(self, registry_key: str, *, audio: bool, masked: bool, run_id: UUID | None, actor: str) -> None:
        """A delivery that the transaction around this call has made. `run_id` is None for `make deliver`."""
        facts = {"audio": audio, "masked": masked, "run_id": run_id, "actor": storable(actor)}
        self._session.count(_FILE, "note_delivery", registry_key=registry_key, **facts)

    def portals(self) -> list[int]:
        """Every portal that has listed calls."""
        return [portal_id for (portal_id,) in self._session.values(_FILE, "portals")]

    def known(self, portal_id: int, period: Period) -> UUID | None:
        """The newest run that listed some of the period's days; None if whole listings do not cover all of them."""
        days = {"period_from": period.start, "period_to": period.end}
        found: UUID | None = self._session.value(_FILE, "known_period", portal_id=portal_id, **days)
        return found
