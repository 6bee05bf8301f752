"""The table `secrets_seen`: since when each secret is in use, known by a keyed hash and never by its value."""

from collections.abc import Mapping

from include.common.postgres_session import Session

_FILE = "secrets_seen"


class SecretsSeen:
    """One row for each connection with a password."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def note(self, fingerprints: Mapping[str, str]) -> dict[str, bool]:
        """Stores what changed; returns the changed names, True for one that was never seen before."""
        names = list(fingerprints)
        found = self._session.values(_FILE, "seen", names=names, fingerprints=[fingerprints[name] for name in names])
        return dict(found)
