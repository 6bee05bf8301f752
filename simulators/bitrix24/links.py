"""Download links: signed, and good for a while."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode


@dataclass
class Links:
    """Makes and checks the links that `disk.file.get` returns; each contains a session that expires."""

    ttl_seconds: float = 3600.0
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)

    def make(self, base_url: str, file_id: int, now: float) -> str:
        token = f"disk|{base64.urlsafe_b64encode(f'id={file_id}&_={now:.3f}'.encode()).decode()}"
        query = urlencode({"auth": f"{int(now):x}{secrets.token_hex(12)}", "token": f"{token}|{self._sign(token)}"})
        return f"{base_url}/rest/download.json?{query}"

    def open(self, token: str) -> tuple[int, float] | None:
        """(file id, when it was made), or None for a link that was altered."""
        head, _, signature = token.rpartition("|")
        if not hmac.compare_digest(signature, self._sign(head)):
            return None
        text = base64.urlsafe_b64decode(head.split("|", 1)[1]).decode()
        file_id, made_at = (part.split("=", 1)[1] for part in text.split("&"))
        return int(file_id), float(made_at)

    def expired(self, made_at: float, now: float) -> bool:
        return now - made_at > self.ttl_seconds

    def _sign(self, text: str) -> str:
        return base64.urlsafe_b64encode(hmac.new(self._key, text.encode(), hashlib.sha256).digest()).decode()
