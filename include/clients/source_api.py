"""The HTTPS API of a source of figures: requests are paced, short refusals waited out, foreign errors end here.

A source has one host, the one of its connection. No redirect is followed: it would carry the token to a host that is in
no setting, and a GET would lose its body. Addresses contain no secret: tokens go into a header or a form.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import requests

from include.common.contacts import without_contacts
from include.common.errors import (
    AccessDenied,
    ContractBroken,
    ExportError,
    LoadCode,
    NotConfigured,
    NotReady,
    Temporary,
    Throttled,
)
from include.common.http_sessions import api_session, connection_error
from include.common.masking import scrub_secrets
from include.common.names import USER_AGENT

_T = TypeVar("_T")
_CONNECT_SECONDS = 5.0
_ATTEMPTS = 4  # of one request, refusals not counted
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class SourceName:
    """`title` is how people call the source, `settings` the variables that hold its access."""

    title: str
    settings: str


class SourcePace(Protocol):
    """What a client calls before a request and after a refusal; all processes that use the source share it."""

    def acquire(self) -> None:
        """Blocks until a request may be sent; raises Throttled if that takes too long."""

    def refused(self, code: str, seconds: float, method: str) -> None:
        """The source has refused; no request should be sent for so many seconds."""


class OwnPace:
    """The pace of one process: for checks by hand and for tests."""

    def __init__(self, rate: float, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """`rate`: requests a second."""
        self._interval = 1 / rate
        self._sleep = sleep
        self._next = 0.0

    def acquire(self) -> None:
        now = time.monotonic()
        wait = max(0.0, self._next - now)
        self._next = max(self._next, now) + self._interval
        self._sleep(wait)

    def refused(self, code: str, seconds: float, method: str) -> None:  # noqa: ARG002 - the shape of SourcePace
        self._next = max(self._next, time.monotonic() + seconds)


class SourceApi:
    """Sends requests to one source. Raises Temporary for any failure below HTTP.

    `retrying` repeats a request whose failure is temporary, for at most `max_wait` seconds in all. `requests_sent`
    counts the requests of this client.
    """

    def __init__(
        self,
        name: SourceName,
        base_url: str,
        pace: SourcePace,
        *,
        timeout_seconds: float = 60.0,
        max_wait: float = 60.0,
        ca_bundle: str | None = None,
        proxy_url: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self.base_url = _checked(name, base_url)
        self.pace = pace
        self.requests_sent = 0
        self._permits = 1
        self._timeouts = (_CONNECT_SECONDS, timeout_seconds)
        self._max_wait = max_wait
        self._sleep = sleep
        self._session = api_session(ca_bundle=ca_bundle)
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json"})
        if proxy_url:
            self._session.proxies = {"http": proxy_url, "https": proxy_url}

    def spare(self, sparing: bool) -> None:
        """Whether each request takes two permits, so that at least half of the rate is left to others."""
        self._permits = 2 if sparing else 1

    def close(self) -> None:
        self._session.close()

    def send(
        self,
        method: str,
        path: str,
        operation: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> requests.Response:
        """One request; `operation` names it in errors. `body` is sent as JSON, with a GET, too."""
        for _ in range(self._permits):
            self.pace.acquire()
        self.requests_sent += 1
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        own = {} if content is None else {"Content-Type": "application/json; charset=utf-8"}
        try:
            response = self._session.request(
                method,
                f"{self.base_url}/{path}",
                params=params,
                data=form if content is None else content,
                headers={**own, **(headers or {})},
                timeout=self._timeouts,
                stream=stream,
            )
        except requests.RequestException as broken:
            failure = self.unavailable(broken)
        else:
            if not response.is_redirect:
                return response
            failure = Temporary(
                f"{self.name.title}: {operation} is redirected, which is not followed", code=LoadCode.SOURCE_BAD_ANSWER
            )
        raise failure

    def unavailable(self, broken: requests.RequestException) -> ExportError:
        """The error of a request, or of the reading of a body, that failed below HTTP."""
        found = connection_error(broken, self.name.title)
        found.code = LoadCode.SOURCE_UNAVAILABLE
        return found

    def json_of(self, response: requests.Response, operation: str) -> Any:
        """The body as JSON, with Decimal for every fraction. Raises Temporary for anything else, such as a page."""
        try:
            return json.loads(response.content, parse_float=Decimal)
        except (ValueError, RecursionError):
            pass
        raise Temporary(
            f"{self.name.title}: {operation} was answered with HTTP {response.status_code} and no JSON",
            code=LoadCode.SOURCE_BAD_ANSWER if response.status_code < 400 else LoadCode.SOURCE_UNAVAILABLE,
        )

    def retrying(self, operation: str, attempt: Callable[[], _T]) -> _T:
        """`attempt()`, repeated after Throttled and Temporary as the source or a doubling pause says.

        A wait that is longer than what is left of `max_wait` is the caller's: the error is raised with `retry_after`.
        """
        waited, failures = 0.0, 0
        while True:
            try:
                return attempt()
            except NotReady:
                raise
            except Temporary as failure:
                throttled = isinstance(failure, Throttled)
                failures += not throttled
                pause = failure.retry_after if failure.retry_after is not None else 2.0**failures
                if throttled:
                    self.pace.refused(str(failure.code), pause, operation)
                if failures >= _ATTEMPTS or waited + pause > self._max_wait:
                    raise
            waited += pause
            self._sleep(pause)

    def error_of(
        self, status: int, operation: str, text: object = "", *, retry_after: float | None = None
    ) -> ExportError:
        """The error of an HTTP status of which the source says no more than `text`."""
        where = f"{self.name.title}: {operation}: HTTP {status} {vendor_text(text)}".strip()
        if status == 401:
            return self.unauthorized(where)
        if status == 403:
            return self.forbidden(where)
        if status == 429:
            return Throttled(where, code=LoadCode.SOURCE_THROTTLED, retry_after=retry_after)
        if status == 408 or status >= 500:
            return Temporary(where, code=LoadCode.SOURCE_UNAVAILABLE, retry_after=retry_after)
        return self.rejected(where, operation)

    def unauthorized(self, where: str) -> AccessDenied:
        return AccessDenied(
            f"{where}: the access is not accepted, renew {self.name.settings}",
            code=LoadCode.SOURCE_UNAUTHORIZED,
            problem="source_refuses_access",
            source=self.name.title,
            settings=self.name.settings,
        )

    def forbidden(self, where: str) -> AccessDenied:
        return AccessDenied(
            f"{where}: the access lacks a right",
            code=LoadCode.SOURCE_FORBIDDEN,
            problem="source_lacks_right",
            source=self.name.title,
            settings=self.name.settings,
        )

    def rejected(self, where: str, operation: str) -> ContractBroken:
        return ContractBroken(
            f"{where}: the request is not understood",
            code=LoadCode.SOURCE_BAD_ANSWER,
            problem="source_rejects_request",
            source=self.name.title,
            operation=operation,
        )

    def unknown_form(self, operation: str, what: str) -> Temporary:
        """JSON of a form that is not the documented one: a page of a proxy, half an answer, or a changed API."""
        return Temporary(f"{self.name.title}: {operation}: {what}", code=LoadCode.SOURCE_BAD_ANSWER)


def vendor_text(text: object) -> str:
    """A text of a source, safe for a message: one short line without contacts, keys and tokens."""
    return without_contacts(scrub_secrets(" ".join(str(text or "").split())))[:_LONGEST_TEXT]


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of `Retry-After`, which is a number or a date; a date counts from the server's own clock."""
    given = headers.get("Retry-After", "").strip()
    if given.isascii() and given.isdecimal():
        return float(given)
    until, now = _instant(given), _instant(headers.get("Date", ""))
    return max(0.0, (until - now).total_seconds()) if until and now else None


def _instant(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None


def _checked(name: SourceName, url: str) -> str:
    """The address without a slash at its end; plain http is for this machine only, for it shows the token."""
    try:
        parts = urlsplit(url)
        host, usable = parts.hostname or "", parts.port != 0
    except ValueError:
        host, usable = "", False
    encrypted = parts.scheme == "https" if usable else False
    if not host or parts.username is not None or not (encrypted or (parts.scheme == "http" and _is_this_machine(host))):
        raise NotConfigured(
            f"{name.title}: the address of the API is no https address without credentials",
            problem="source_bad_address",
            source=name.title,
        )
    return url.rstrip("/")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
