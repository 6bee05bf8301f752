"""Who this state is."""

from include.common.postgres_session import Session

_FILE = "installation"


class Installation:
    """The table `installation`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def identity(self) -> str:
        """The installation's id and the name of its database."""
        return str(self._session.value(_FILE, "identity"))
