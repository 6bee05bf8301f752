"""The hosts from which audio may come, and connections that go to exactly the address that was checked.

Links to recordings are foreign data (any application may attach a call with any link), so each link and each redirect
is checked after DNS; the connection then goes to the checked address, and the name is not resolved again.
"""

import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from requests import PreparedRequest
from requests.adapters import HTTPAdapter

from include.common.errors import ErrorCode, NotConfigured, Permanent, Temporary

_NO_HOST = re.compile(r"(?!)")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAT64 = IPv6Network("64:ff9b::/96")

Resolve = Callable[[str, int], Iterable[str]]


def resolve_by_dns(host: str, port: int) -> list[str]:
    """Every address of the host; raises OSError if there is none."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True)
class CheckedAddress:
    """The address to connect to; TLS and the Host header still use `host`."""

    scheme: str
    host: str
    port: int
    address: str

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


class HostGuard:
    """Lets through the portal, its cloud storage and the hosts named in RECORDING_HOSTS; nothing else.

    `portal_url` is the portal's address without a token; `storage_hosts` are the names of its cloud storage. The
    portal and the named hosts may be private, because a person has written them down; a host named without a port is
    meant on 80 and 443. Plain http is only for named hosts and for a portal that is http itself. Raises NotConfigured
    for a name that is no `host` or `host:port`.
    """

    def __init__(
        self,
        portal_url: str,
        named_hosts: Iterable[str] = (),
        *,
        storage_hosts: re.Pattern[str] = _NO_HOST,
        resolve: Resolve = resolve_by_dns,
    ) -> None:
        self._portals = {_origin(_split(portal_url))}
        self._named = {endpoint for name in named_hosts for endpoint in _endpoints(name)}
        self._storage = storage_hosts
        self._resolve = resolve

    def is_portal(self, url: str) -> bool:
        return _origin(_split(url)) in self._portals

    def check(self, url: str) -> CheckedAddress:
        """Raises Permanent(forbidden_host), or Temporary(download_failed) if DNS finds no address."""
        scheme, host, port = origin = _origin(_split(url))
        if (host, port) in self._named or origin in self._portals:
            return self._resolved(scheme, host, port, private_too=True)
        if not self._storage.fullmatch(host):
            raise _forbidden(f"the recording is kept at {host}:{port}, which is not a host of this portal")
        if origin != ("https", host, 443):
            raise _forbidden(f"the recording is offered by {host}:{port} without encryption or at an odd port")
        return self._resolved(scheme, host, port, private_too=False)

    def admit_moved_portal(self, url: str) -> None:
        """Admits the portal's new domain: a public address, a named host or its own host, never less encrypted."""
        scheme, host, port = origin = _origin(_split(url))
        if scheme != "https" and all(known[0] == "https" for known in self._portals):
            raise _forbidden("the portal redirects its API to an address without encryption")
        known_host = (host, port) in self._named or host in {known[1] for known in self._portals}
        self._resolved(scheme, host, port, private_too=known_host)
        self._portals.add(origin)

    def _resolved(self, scheme: str, host: str, port: int, *, private_too: bool) -> CheckedAddress:
        try:
            found = [ip_address(address.split("%")[0]) for address in self._resolve(host, port)]
        except (OSError, UnicodeError):
            found = []
        if not found:
            raise Temporary(f"the host {host} is unknown to DNS", code=ErrorCode.DOWNLOAD_FAILED)
        if not private_too and not all(_is_public(address) for address in found):
            raise _forbidden(f"the host {host} has an address inside a private network")
        # IPv4 first: many servers have IPv6 names in DNS without a route to them
        chosen = min(found, key=lambda address: address.version)
        return CheckedAddress(scheme, host, port, str(chosen))


class PinnedAdapter(HTTPAdapter):
    """The guard checks every request of the session; the request goes to the checked address."""

    def __init__(self, guard: HostGuard, *, pool_size: int = 10) -> None:
        self._guard = guard
        super().__init__(pool_maxsize=pool_size)

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        where: dict[str, Any]
        pool: dict[str, Any]
        where, pool = map(dict, super().build_connection_pool_key_attributes(request, verify, cert))
        checked = self._guard.check(request.url or "")
        where["host"], where["port"] = checked.address, checked.port
        if checked.scheme == "https":
            pool["server_hostname"] = pool["assert_hostname"] = checked.host
        request.headers["Host"] = checked.host_header
        return where, pool


def _split(url: str) -> SplitResult:
    # parsers disagree about these characters, and check and request must read the same URL
    if re.search(r"[\s\\\x00-\x1f\x7f]", url):
        raise _forbidden("the recording's link is not a usable address")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise _forbidden("the recording's link is not a usable http(s) address")
    return parts


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    host = (parts.hostname or "").rstrip(".").lower()
    return parts.scheme, host, parts.port or _DEFAULT_PORTS[parts.scheme]


def _endpoints(name: str) -> list[tuple[str, int]]:
    text = name.strip()
    try:
        parts = urlsplit(f"//{text}")
        host, port = (parts.hostname or "").rstrip(".").lower(), parts.port
    except ValueError:
        host, port = "", None
    if not host or parts.path or parts.username is not None or re.search(r"[\s/\\?#]", text):
        raise NotConfigured(
            f"RECORDING_HOSTS: {text!r} is neither `host` nor `host:port`", problem="bad_recording_host", name=text
        )
    return [(host, port)] if port else [(host, default) for default in _DEFAULT_PORTS.values()]


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    inner = _inner_ipv4(address) if isinstance(address, IPv6Address) else None
    if inner is not None:
        return _is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inner_ipv4(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address to which an IPv6 one leads: mapped, 6to4 or NAT64."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _forbidden(what: str) -> Permanent:
    return Permanent(f"{what}; to trust it, name it in RECORDING_HOSTS", code=ErrorCode.FORBIDDEN_HOST)
