"""Tokens of the sources, sealed with Airflow's key, shared by all processes (`TokenStore` of the clients)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from include.clients.access_tokens import HeldToken
from include.common.errors import NotConfigured
from include.common.postgres_session import Session

_FILE = "stored_tokens"


class StoredTokens:
    """Rows of `sales.api_tokens`; the row is locked while a token is looked at or renewed, so one process renews it."""

    def __init__(self, session: Session, fernet_keys: str) -> None:
        """`fernet_keys`: one or several, by commas, the newest first, as Airflow has them. NotConfigured: none."""
        keys = [part for part in fernet_keys.split(",") if part]
        if not keys:
            raise NotConfigured("Airflow has no Fernet key: tokens of sources cannot be kept", problem="no_fernet_key")
        self._session = session
        self._seal = MultiFernet([Fernet(key) for key in keys])

    @contextmanager
    def locked(self, source: str, owner: str) -> Iterator[HeldToken]:
        """The token, which no other process changes until the block ends. An exception keeps nothing."""
        named = {"source": source, "owner": owner}
        with self._session.transaction():
            self._session.count(_FILE, "make", **named)
            held = self._opened(str(self._session.value(_FILE, "lock", **named)))
            before = (held.value, held.refresh, held.expires_at)
            yield held
            if (held.value, held.refresh, held.expires_at) != before:
                self._session.count(_FILE, "keep", sealed=self._sealed(held), expires_at=held.expires_at, **named)

    def _sealed(self, held: HeldToken) -> str:
        expires = held.expires_at.isoformat() if held.expires_at else None
        text = json.dumps({"value": held.value, "refresh": held.refresh, "expires_at": expires})
        return self._seal.encrypt(text.encode()).decode()

    def _opened(self, sealed: str) -> HeldToken:
        """A token that an earlier key has sealed is as good as none: it is asked for anew."""
        if not sealed:
            return HeldToken()
        try:
            found = json.loads(self._seal.decrypt(sealed.encode()))
        except InvalidToken:
            return HeldToken()
        expires = found["expires_at"]
        return HeldToken(found["value"], found["refresh"], datetime.fromisoformat(expires) if expires else None)
