"""Audio comes from the portal, its cloud storage and named hosts only; connections go to the checked address."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import trustme
from starlette.types import Receive, Scope, Send

from include.clients.bitrix24.storage_hosts import CLOUD_STORAGE_HOSTS
from include.common.errors import ErrorCode, ExportError, NotConfigured, Permanent, Temporary
from include.common.host_guard import HostGuard, PinnedAdapter
from simulators.kit.in_process import running

PUBLIC, PRIVATE = "93.184.216.34", "10.1.2.3"
PORTAL = "https://company.bitrix24.ru"


def guard(*named: str, portal: str = PORTAL, addresses: tuple[str, ...] = (PUBLIC,)) -> HostGuard:
    return HostGuard(portal, named, storage_hosts=CLOUD_STORAGE_HOSTS, resolve=lambda _host, _port: addresses)


def refusal(checker: HostGuard, url: str) -> ExportError:
    with pytest.raises(ExportError) as raised:
        checker.check(url)
    return raised.value


@pytest.mark.parametrize(
    "url",
    [
        "https://company.bitrix24.ru/rest/download.json?auth=1",
        "https://COMPANY.bitrix24.ru.:443/x",
        "https://storage-gw-ru-02.voximplant.com/voximplant-records/2026/05/13/x.mp3?record_id=1",
        "https://cdn-ru.bitrix24.ru/b1/x.mp3",
        "https://cdn.bitrix24.com.tr/b1/x.mp3",
        "http://pbx.example:8080/x.wav",
        "https://calls.example/x.wav",
        "http://calls.example/x.wav",
    ],
)
def test_the_portal_and_its_hosts_are_admitted(url: str) -> None:
    """The portal, its cloud storage and the hosts of RECORDING_HOSTS."""
    assert guard("pbx.example:8080", "calls.example").check(url).address == PUBLIC


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x.mp3",
        "https://other.bitrix24.ru/x.mp3",
        "https://company.bitrix24.ru.evil.example/x",
        "https://company.bitrix24.ru@evil.example/x",
        "https://evilvoximplant.com/x",
        "https://voximplant.com.evil.example/x",
        "http://storage.voximplant.com/x",
        "https://storage.voximplant.com:8443/x",
        "http://company.bitrix24.ru/x",
        "https://company.bitrix24.ru:8443/x",
        "https://pbx.example/x",
        "https://calls.example:8443/x",
        "file:///etc/passwd",
        "ftp://calls.example/x",
        "//calls.example/x",
        "https://calls.example\\@evil.example/x",
        "https://calls.example/\r\nHost: evil",
        "https://[::1/x",
        "https://calls.example:99999/x",
        "http://2130706433/x",
        "http://127.0.0.1/x",
        "",
    ],
)
def test_all_other_hosts_are_refused(url: str) -> None:
    failure = refusal(guard("pbx.example:8080", "calls.example"), url)
    assert isinstance(failure, Permanent)
    assert failure.code is ErrorCode.FORBIDDEN_HOST


@pytest.mark.parametrize(
    "address",
    [
        PRIVATE,
        "127.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - an address to refuse, not to listen at
        "224.0.0.1",
        "240.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ],
)
def test_a_storage_name_with_a_private_address(address: str) -> None:
    """One private address among public ones is enough: DNS may return it first the next time."""
    failure = refusal(guard(addresses=(PUBLIC, address)), "https://storage.voximplant.com/x")
    assert failure.code is ErrorCode.FORBIDDEN_HOST


def test_named_hosts_may_be_private() -> None:
    """A person has written them down."""
    inside = guard("pbx.example", portal="http://portal.example:8080", addresses=(PRIVATE,))
    assert inside.check("http://portal.example:8080/x").host_header == "portal.example:8080"
    assert inside.check("http://pbx.example/x").host_header == "pbx.example"


def test_ipv4_is_preferred() -> None:
    assert guard(addresses=("2606:2800:220::1", PUBLIC)).check(f"{PORTAL}/x").address == PUBLIC


def test_an_unknown_name_is_temporary() -> None:
    """DNS may find it at the next attempt."""
    failure = refusal(guard(addresses=()), f"{PORTAL}/x")
    assert isinstance(failure, Temporary)
    assert failure.code is ErrorCode.DOWNLOAD_FAILED


@pytest.mark.parametrize("name", ["", "http://pbx", "pbx/x", "pbx:x", "a b", "user@pbx", "pbx:99999", "pbx?x"])
def test_a_bad_name_in_recording_hosts_is_refused(name: str) -> None:
    """At the start of the run, not at the first download."""
    with pytest.raises(NotConfigured, match="RECORDING_HOSTS"):
        guard(name)


def test_named_ipv6_address() -> None:
    assert guard("[::1]:8080", addresses=("::1",)).check("http://[::1]:8080/x").host_header == "[::1]:8080"


class App:
    """Responds with the Host header of the request."""

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        host = dict(scope["headers"])[b"host"]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(host))]})
        await send({"type": "http.response.body", "body": host})


@contextmanager
def pinned(checker: HostGuard, verify: str | bool = True) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = verify
        for scheme in ("http://", "https://"):
            session.mount(scheme, PinnedAdapter(checker))
        yield session


def test_the_connection_goes_to_the_checked_address() -> None:
    """DNS is asked once; a second response, of a rebinding server, is never used."""
    addresses = iter([["127.0.0.1"]])
    with running(App()) as url:
        port = url.rpartition(":")[2]
        checker = HostGuard(f"http://portal.example:{port}", resolve=lambda _host, _port: next(addresses))
        with pinned(checker) as session:
            assert session.get(f"http://portal.example:{port}/x").text == f"portal.example:{port}"


def test_tls_still_checks_the_name(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate = authority.issue_cert("portal.example")
    key, chain = tmp_path / "key.pem", tmp_path / "chain.pem"
    certificate.private_key_pem.write_to_path(str(key))
    certificate.cert_chain_pems[0].write_to_path(str(chain))
    with running(App(), cert=chain, key=key) as url:
        port = url.rpartition(":")[2]
        urls = [f"https://{name}.example:{port}" for name in ("portal", "other")]
        for portal_url, accepted in zip(urls, (True, False), strict=True):
            checker = HostGuard(portal_url, resolve=lambda _host, _port: ["127.0.0.1"])
            with pinned(checker, str(tmp_path / "ca.pem")) as session:
                if accepted:
                    assert session.get(portal_url).text == f"portal.example:{port}"
                else:
                    with pytest.raises(requests.exceptions.SSLError):
                        session.get(portal_url)


def test_a_moved_portal_is_admitted() -> None:
    """At a public address only, and never with less encryption than before."""
    checker = guard()
    checker.admit_moved_portal("https://new.bitrix24.ru")
    assert checker.is_portal("https://new.bitrix24.ru/rest/x")
    with pytest.raises(Permanent):
        checker.admit_moved_portal("http://new.bitrix24.ru")
    with pytest.raises(Permanent):
        guard(addresses=(PRIVATE,)).admit_moved_portal("https://new.bitrix24.ru")
