"""Moves one JSON request to the portal and back. What the answer means is decided in `answers.py`."""

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from include.clients.bitrix24.redaction import hide_request_lines
from include.clients.bitrix24.webhook import Webhook
from include.common.errors import ExportError, Permanent, StopRun, Temporary
from include.common.host_guard import HostGuard, PinnedAdapter
from include.common.names import USER_AGENT

# the cloud cuts a request at 60 s, so its own error answer still has time to arrive
TIMEOUTS = (5.0, 65.0)
_MOVES = 3


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came back: `body` is the parsed JSON, or None where the portal sent something else (an HTML page)."""

    status: int
    body: Any
    retry_after: float | None


class _OneHop(requests.Session):
    """Never looks at a redirect: even when told not to follow it, the library reads its whole body and parses the
    target, and followed by the library a POST would become a GET without parameters.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None means that there is nothing to follow; ours is `redirect_target`."""


class Transport:
    """POSTs JSON. Environment proxies and .netrc are left out on purpose: they would see the token.

    Raises Temporary for whatever happens below HTTP; no exception of it, chained ones included, holds a URL.
    """

    def __init__(self, webhook: Webhook, guard: HostGuard, *, ca_bundle: str | None = None) -> None:
        hide_request_lines()
        self._webhook = webhook
        self._guard = guard
        self.portal_url = webhook.portal_url
        self._session = _OneHop()
        self._session.trust_env = False
        self._session.verify = ca_bundle or True
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
            failure = below_http(broken, "the portal")
        raise failure

    def _move(self, method: str, response: requests.Response) -> None:
        """A renamed portal answers 302 with the same path at its new domain; any other redirect is not our API."""
        target = urlsplit(redirect_target(response) or "")
        if target.path != urlsplit(self._webhook.url_of(method)).path:
            raise Temporary("the portal redirected an API request to a page")
        portal_url = f"{target.scheme}://{target.netloc}"
        refused = None
        try:
            self._guard.admit_moved_portal(portal_url)
        except Permanent:
            refused = StopRun(f"the portal has moved to {target.hostname}; check it and put it into B24_BASE_URL")
        if refused is not None:
            raise refused
        self.portal_url = portal_url


def file_session(guard: HostGuard, *, ca_bundle: str | None = None) -> requests.Session:
    """For strangers' hosts: guarded connections, no cookies, no proxies or .netrc of the environment."""
    session = _OneHop()
    session.trust_env = False
    session.verify = ca_bundle or True
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        session.mount(scheme, PinnedAdapter(guard))
    return session


def redirect_target(response: requests.Response) -> str | None:
    """Where a redirect leads to; None where that is no address."""
    try:
        return urljoin(response.url, response.headers["Location"])
    except ValueError:
        return None


def below_http(broken: requests.RequestException, whom: str) -> ExportError:
    """The kind of failure and nothing else: texts of `requests` hold the URL."""
    if isinstance(broken, requests.exceptions.SSLError):
        return Temporary(f"{whom}: the TLS certificate is not accepted; a private authority needs a CA bundle")
    if isinstance(broken, requests.Timeout):
        return Temporary(f"{whom} did not answer in time ({type(broken).__name__})")
    return Temporary(f"{whom}: the connection failed ({type(broken).__name__})")


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isdecimal() else None
