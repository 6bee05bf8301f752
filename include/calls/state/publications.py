"""Registries and deliveries of periods' folders."""

from include.common.postgres_session import Session

_FILE = "publications"


class Publications:
    """Registries and deliveries of periods' folders."""

    def __init__(self, session: Session) -> None:
        self._session = session
