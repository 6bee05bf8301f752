"""Sessions of `requests` for foreign servers: no redirects, no proxies and no .netrc of the environment, no cookies."""

from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urljoin

import requests

from include.common.certificates import certificate_error, certificate_refusal
from include.common.errors import ExportError, Temporary
from include.common.host_guard import HostGuard, PinnedAdapter


class _OneHop(requests.Session):
    """Never follows a redirect. The library, even when it may not follow, reads the whole body of a redirect and
    parses its target; when it follows, a POST becomes a GET without parameters.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None means that there is nothing to follow; `redirect_target` below reads the target."""


def api_session(*, ca_bundle: str | None = None) -> requests.Session:
    """For an API with a secret in its requests: proxies and .netrc of the environment would see the secret."""
    session = _OneHop()
    session.trust_env = False
    session.verify = ca_bundle or True
    return session


def guarded_session(guard: HostGuard, *, ca_bundle: str | None = None) -> requests.Session:
    """For links from foreign data: the guard checks every connection, and cookies are not kept."""
    session = api_session(ca_bundle=ca_bundle)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        session.mount(scheme, PinnedAdapter(guard))
    return session


def redirect_target(response: requests.Response) -> str | None:
    """The address to which a redirect leads; None if it is no address."""
    try:
        return urljoin(response.url, response.headers["Location"])
    except ValueError:
        return None


def connection_error(broken: requests.RequestException, server: str) -> ExportError:
    """States the kind of failure only: the texts of `requests` contain the URL."""
    if reason := certificate_refusal(broken):
        return certificate_error(reason, server, str(broken.request.url) if broken.request is not None else "")
    if isinstance(broken, requests.Timeout):
        return Temporary(f"{server} did not respond in time ({type(broken).__name__})")
    return Temporary(f"{server}: the connection failed ({type(broken).__name__})")
