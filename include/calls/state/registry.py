"""Rows of a registry."""

from include.common.postgres_session import Session

_FILE = "registry"


class Registry:
    """Rows of a registry."""

    def __init__(self, session: Session) -> None:
        self._session = session
