"""The address of the portal's REST API by an incoming webhook: `https://portal/rest/<user>/<token>/<method>`."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from include.common.errors import NotConfigured


@dataclass(frozen=True, slots=True)
class Webhook:
    """`portal_url` is scheme, host and port only."""

    portal_url: str
    user_id: int
    token: str = field(repr=False)

    @classmethod
    def of(cls, base_url: str, user_id: str, token: str) -> "Webhook":
        """From B24_BASE_URL (with or without `/rest`), B24_WEBHOOK_USER_ID and B24_WEBHOOK_TOKEN.

        Raises NotConfigured for values that make no webhook.
        """
        if not user_id.strip().isdecimal():
            raise NotConfigured(
                "B24_WEBHOOK_USER_ID must be the number between /rest/ and the token of the webhook",
                problem="bad_webhook_user",
            )
        if not re.fullmatch(r"[A-Za-z0-9_-]+", token.strip()):
            raise NotConfigured(
                "B24_WEBHOOK_TOKEN must be the webhook's token alone: letters and digits, no slashes",
                problem="bad_webhook_token",
            )
        return cls(_portal_url(base_url.strip()), int(user_id), token.strip())

    @property
    def host(self) -> str:
        """Host and port as people write them: the portal's name in tables and messages."""
        return urlsplit(self.portal_url).netloc

    def url_of(self, method: str, portal_url: str | None = None) -> str:
        return f"{portal_url or self.portal_url}/rest/{self.user_id}/{self.token}/{method}.json"


def _portal_url(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None or parts.path.rstrip("/") not in ("", "/rest") or parts.query:
        # the value is not repeated: it may be the whole webhook, token included
        raise NotConfigured(
            "B24_BASE_URL must look like https://company.bitrix24.ru, with or without /rest at the end",
            problem="bad_portal_url",
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"
