"""The table `call_bundles`: which calls a person takes out together, for some hours. No text and no number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from include.common.postgres_session import Session, storable

_FILE = "bundles"
HOURS = 24
_MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Bundle:
    """`contents`: text, audio, registry."""

    bundle_id: str
    asked_at: datetime
    expires_at: datetime
    contents: list[str]
    recording_ids: list[int]
    taken_at: datetime | None


class Bundles:
    """A bundle belongs to the person who asked for it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def keep(self, bundle_id: str, contents: Sequence[str], recording_ids: Sequence[int], *, by: str) -> None:
        """For HOURS; older ones go."""
        self._session.count(_FILE, "forget")
        self._session.count(
            _FILE,
            "keep",
            bundle_id=bundle_id,
            asked_by=storable(by),
            hours=HOURS,
            contents=list(contents),
            recording_ids=list(recording_ids),
        )

    def own(self, by: str) -> list[Bundle]:
        return self._session.rows(_FILE, "own", Bundle, asked_by=by, most=_MOST_SHOWN)

    def get(self, bundle_id: str, *, by: str) -> Bundle | None:
        found = self._session.rows(_FILE, "bundle", Bundle, bundle_id=bundle_id, asked_by=by)
        return found[0] if found else None

    def take(self, bundle_id: str) -> None:
        self._session.count(_FILE, "take", bundle_id=bundle_id)
