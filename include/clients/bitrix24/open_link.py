"""Opens a link to a recording: the guard checks every hop, the portal's own hops are paced, statuses are read."""

from urllib.parse import urlsplit

import requests

from include.clients.bitrix24.portal import Portal
from include.clients.bitrix24.portal_errors import PortalError, error_in
from include.clients.bitrix24.transport import TIMEOUTS
from include.common.errors import ErrorCode, ExportError, MissingAudio, Temporary
from include.common.http_sessions import connection_error, redirect_target
from include.common.names import USER_AGENT

_HOPS = 5


def open_link(portal: Portal, url: str) -> requests.Response:
    """The response with the recording's bytes still to be read; the caller closes it.

    Raises MissingAudio, Permanent(forbidden_host) or Temporary(download_failed); Throttled if waiting after the
    portal's refusals takes too long.
    """
    limit = portal.refusal_limit()
    hops = 0
    while True:
        response = _get(portal, url)
        if response.is_redirect:
            response.close()
            target = redirect_target(response)
            hops += 1
            if target is None or hops > _HOPS:
                raise _temporary("the link to the recording redirects in a circle or to nowhere")
            url = target
        elif response.status_code == 200:
            return response
        elif (refusal := _refusal(portal, response, url)) is not None:
            limit.refused(refusal, "download")
        else:
            raise _failure(response, url)


def _get(portal: Portal, url: str) -> requests.Response:
    if portal.guard.is_portal(url) and urlsplit(url).path.startswith("/rest/"):
        portal.pace.acquire()
    headers = {
        "User-Agent": USER_AGENT,
        # without these the portal's front server may respond 404 (vendor's general principles)
        "Accept": "*/*",
        "Accept-Language": "ru,en;q=0.8",
        "Referer": f"{portal.url}/",
        # sizes are compared with Content-Length and with the portal's disk
        "Accept-Encoding": "identity",
    }
    try:
        return portal.files.get(url, headers=headers, timeout=TIMEOUTS, stream=True)
    except requests.RequestException as broken:
        failure = connection_error(broken, "the host of the recording")
    failure.code = ErrorCode.DOWNLOAD_FAILED
    raise failure


def _refusal(portal: Portal, response: requests.Response, url: str) -> PortalError | None:
    """The portal's rate limit applies to downloads through its REST address, too."""
    if response.status_code not in (429, 503) or not portal.guard.is_portal(url):
        return None
    try:
        body = response.json()
    except (ValueError, requests.RequestException):
        return None
    error = error_in(body, response.status_code, portal.webhook.token)
    return error if error is not None and error.is_refusal else None


def _failure(response: requests.Response, url: str) -> ExportError:
    response.close()
    status = response.status_code
    host = urlsplit(url).hostname or ""
    if status == 404 and "Content-Disposition" in response.headers:
        return _temporary("the portal has the recording but its front server refused the request (HTTP 404)")
    if status in (404, 410):
        return MissingAudio(f"the link to the recording is dead (HTTP {status})")
    if status == 403 and host.endswith(".voximplant.com"):
        # its storage responds so after the time for which recordings are kept (vendor's documentation)
        return MissingAudio("the telephony's storage does not keep this recording any more (HTTP 403)")
    if status in (401, 403):
        return _temporary(f"the link to the recording has expired (HTTP {status}): a fresh one will be requested")
    return _temporary(f"the host of the recording responded with HTTP {status}")


def _temporary(message: str) -> Temporary:
    return Temporary(message, code=ErrorCode.DOWNLOAD_FAILED)
