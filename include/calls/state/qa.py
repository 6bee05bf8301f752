"""Verdicts of analysts."""

from include.common.postgres_session import Session

_FILE = "qa"


class QaChecks:
    """Verdicts of analysts."""

    def __init__(self, session: Session) -> None:
        self._session = session
