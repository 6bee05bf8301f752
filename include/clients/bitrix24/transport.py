"""Sends one JSON request to the portal and returns the exchange. `portal.py` decides what the response means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from include.clients.bitrix24.redaction import hide_request_lines
from include.clients.bitrix24.webhook import Webhook
from include.common.errors import Permanent, StopRun, Temporary
from include.common.host_guard import HostGuard
from include.common.http_sessions import api_session, connection_error, redirect_target
from include.common.names import USER_AGENT

# the cloud cuts a request at 60 s, so its own error response still has time to arrive
TIMEOUTS = (5.0, 65.0)
_MOVES = 3


@dataclass(frozen=True, slots=True)
class Exchange:
    """A response: `body` is the parsed JSON, or None if the portal sent another format (an HTML page)."""

    status: int
    body: Any
    retry_after: float | None


class Transport:
    """POSTs JSON.

    Raises Temporary for any failure below HTTP; none of its exceptions, chained ones included, contains a URL.
    """

    def __init__(self, webhook: Webhook, guard: HostGuard, *, ca_bundle: str | None = None) -> None:
        hide_request_lines()
        self._webhook = webhook
        self._guard = guard
        self.portal_url = webhook.portal_url
        self._session = api_session(ca_bundle=ca_bundle)
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json"})

    def post(self, method: str, params: Mapping[str, Any]) -> Exchange:
        for _ in range(_MOVES + 1):
            response = self._send(method, params)
            if not response.is_redirect:
                return Exchange(response.status_code, _json(response), _seconds(response.headers.get("Retry-After")))
            self._move(method, response)
        raise Temporary("the portal redirects its API in a circle")

    def close(self) -> None:
        self._session.close()

    def _send(self, method: str, params: Mapping[str, Any]) -> requests.Response:
        url = self._webhook.url_of(method, self.portal_url)
        try:
            return self._session.post(url, json=params, timeout=TIMEOUTS)
        except requests.RequestException as broken:
            failure = connection_error(broken, "the portal")
        raise failure

    def _move(self, method: str, response: requests.Response) -> None:
        """A renamed portal responds 302 with the same path at its new domain; no other redirect belongs to the API."""
        target = urlsplit(redirect_target(response) or "")
        if target.path != urlsplit(self._webhook.url_of(method)).path:
            raise Temporary("the portal redirected an API request to a page")
        portal_url = f"{target.scheme}://{target.netloc}"
        refused = None
        try:
            self._guard.admit_moved_portal(portal_url)
        except Permanent:
            refused = StopRun(
                f"the portal has moved to {target.hostname}; check this address and set B24_BASE_URL to it",
                problem="portal_moved",
                host=target.hostname,
            )
        if refused is not None:
            raise refused
        self.portal_url = portal_url


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isdecimal() else None
