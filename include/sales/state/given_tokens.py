"""Since when a token that a person has given is used: no source says when it ends, and how long it lives is known.

Rows of `sales.api_tokens` with an owner that no account has; in the place of the sealed token is its keyed
digest, by which a new token is noticed.
"""

from datetime import datetime, timedelta

from include.common.postgres_session import Session

_FILE = "given_tokens"


class GivenTokens:
    """One token for each source."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def seen(self, source: str, digest: str, lives: timedelta) -> datetime:
        """When the token of this digest ends, counted from when it was seen first."""
        ends: datetime = self._session.value(
            _FILE, "seen", source=source, digest=digest, lives_seconds=lives.total_seconds()
        )
        return ends

    def forget(self, source: str) -> None:
        self._session.count(_FILE, "forget", source=source)

    def ends(self) -> dict[str, datetime]:
        """By source."""
        return {str(source): at for source, at in self._session.values(_FILE, "ends")}
