"""Downloads, their links, and the faults that tests can add."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from simulators.bitrix24.app import PortalSimulator
from simulators.bitrix24.limits import Limits
from simulators.bitrix24.world import Audio, Call, PortalWorld
from simulators.kit.in_process import running

START = datetime(2025, 8, 1, 9, tzinfo=UTC)
BODY = bytes(range(256)) * 4


@pytest.fixture
def now() -> list[float]:
    return [1_754_000_000.0]


@pytest.fixture
def portal(now: list[float]) -> PortalSimulator:
    world = PortalWorld()
    world.add(Call(1, START, file_id=9079), Audio(BODY))
    world.add(Call(2, START, storage_path="2025/a.mp3"), Audio(BODY, "ogg"))
    return PortalSimulator(world, link_ttl=60, clock=lambda: now[0])


@pytest.fixture
def url(portal: PortalSimulator) -> Iterator[str]:
    with running(portal) as base:
        yield base


def link(portal: PortalSimulator, url: str) -> str:
    response = requests.post(portal.webhook(url) + "disk.file.get", json={"id": 9079}, timeout=10).json()["result"]
    assert response["SIZE"] == str(len(BODY))
    return str(response["DOWNLOAD_URL"])


def test_the_link_gives_the_file_until_it_expires(portal: PortalSimulator, url: str, now: list[float]) -> None:
    address = link(portal, url)
    response = requests.get(address, timeout=10)
    assert (response.content, response.headers["Content-Type"]) == (BODY, "audio/mpeg")
    now[0] += 61
    late = requests.get(address, timeout=10)
    assert (late.status_code, late.json()["error"]) == (401, "expired_token")


def test_an_altered_link_is_refused(portal: PortalSimulator, url: str) -> None:
    assert requests.get(link(portal, url) + "x", timeout=10).status_code == 401


def test_ranges(portal: PortalSimulator, url: str) -> None:
    address = link(portal, url)
    part = requests.get(address, headers={"Range": "bytes=1000-"}, timeout=10)
    assert (part.status_code, part.content) == (206, BODY[1000:])
    assert part.headers["Content-Range"] == "bytes 1000-1023/1024"
    assert requests.get(address, headers={"Range": "bytes=-4"}, timeout=10).content == BODY[-4:]
    assert requests.get(address, headers={"Range": "bytes=4000-"}, timeout=10).status_code == 416


def test_deleted_files(portal: PortalSimulator, url: str) -> None:
    address = link(portal, url)
    portal.world.to_trash(9079)
    assert requests.get(address, timeout=10).status_code == 404
    response = requests.post(portal.webhook(url) + "disk.file.get", json={"id": 9079}, timeout=10).json()
    assert response["result"]["DELETED_TYPE"] == "3"
    portal.world.delete_file(9079)
    response = requests.post(portal.webhook(url) + "disk.file.get", json={"id": 9079}, timeout=10).json()
    assert response["error"] == "ERROR_NOT_FOUND"


def test_url_only_recordings_come_from_the_storage_host(portal: PortalSimulator, url: str) -> None:
    """They take nothing from the portal's bucket, and are not there any more once they are deleted."""
    portal.limits = Limits(bucket=1, rps=0)
    rows = requests.post(portal.webhook(url) + "voximplant.statistic.get", json={"FILTER": {"ID": 2}}, timeout=10)
    (row,) = rows.json()["result"]
    assert row["RECORD_FILE_ID"] is None
    assert [requests.get(row["CALL_RECORD_URL"], timeout=10).content for _ in range(3)] == [BODY] * 3
    portal.world.delete_from_storage("2025/a.mp3")
    assert requests.get(row["CALL_RECORD_URL"], timeout=10).status_code == 404


def test_downloads_through_rest_use_the_bucket(portal: PortalSimulator, url: str) -> None:
    address = link(portal, url)
    portal.limits = Limits(bucket=2, rps=0)
    responses = [requests.get(address, timeout=10) for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 503]
    assert portal.journal.count("download", subject="9079", status=200) == 2


def test_a_picky_portal_needs_the_documented_headers(portal: PortalSimulator, url: str) -> None:
    portal.picky_downloads = True
    address = link(portal, url)
    bare = requests.get(address, timeout=10)
    assert bare.status_code == 404
    assert "Content-Disposition" in bare.headers
    headers = {"Accept-Language": "ru", "Referer": url}
    assert requests.get(address, headers=headers, timeout=10).content == BODY


@pytest.mark.parametrize("fault", ["truncate", "wrong_length"])
def test_broken_bodies_are_noticed_by_a_client(portal: PortalSimulator, url: str, fault: str) -> None:
    address = link(portal, url)
    portal.faults.add("download", fault, match="9079")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.get(address, timeout=10)
    assert requests.get(address, timeout=10).content == BODY


@pytest.mark.parametrize(
    ("fault", "options", "status", "content"),
    [
        ("short", {}, 200, BODY[:512]),
        ("empty", {}, 200, b""),
        ("status", {"status": 502, "body": "<html>Bad gateway</html>"}, 502, b"<html>Bad gateway</html>"),
        ("body", {"body": {"error": "x"}}, 200, b'{"error":"x"}'),
        ("delay", {"seconds": 0.05}, 200, BODY),
    ],
)
def test_faults(
    portal: PortalSimulator, url: str, *, fault: str, options: dict[str, Any], status: int, content: bytes
) -> None:
    address = link(portal, url)
    portal.faults.add("download", fault, **options)
    response = requests.get(address, timeout=10)
    assert (response.status_code, response.content) == (status, content)
    assert [entry.fault for entry in portal.journal.entries("download")] == [fault]


def test_html_redirect_drop_and_hang(portal: PortalSimulator, url: str) -> None:
    webhook = portal.webhook(url)
    portal.faults.add("scope", "html200")
    assert "text/html" in requests.post(webhook + "scope", timeout=10).headers["Content-Type"]
    portal.faults.add("scope", "redirect", url="https://example.invalid/rest/")
    moved = requests.post(webhook + "scope", timeout=10, allow_redirects=False)
    assert (moved.status_code, moved.headers["Location"]) == (302, "https://example.invalid/rest/")
    portal.faults.add("scope", "drop_connection")
    with pytest.raises(requests.ConnectionError):
        requests.post(webhook + "scope", timeout=10)
    portal.faults.add("scope", "hang", seconds=1)
    with pytest.raises(requests.Timeout):
        requests.post(webhook + "scope", timeout=0.2)


def test_faults_are_added_over_http(portal: PortalSimulator, url: str) -> None:
    """They count, and may let the first requests pass."""
    webhook = portal.webhook(url)
    fault = {"where": "scope", "kind": "status", "status": 500, "times": 2, "after": 1}
    assert requests.post(f"{url}/__control__/faults", json=fault, timeout=10).status_code == 200
    assert [requests.post(webhook + "scope", timeout=10).status_code for _ in range(4)] == [200, 500, 500, 200]
    journal = requests.get(f"{url}/__control__/journal", timeout=10).json()
    assert [(entry["where"], entry["status"]) for entry in journal] == [
        ("scope", 200), ("scope", 500), ("scope", 500), ("scope", 200),
    ]  # fmt: skip
    assert requests.delete(f"{url}/__control__/journal", timeout=10).json() == []
    unknown = requests.post(f"{url}/__control__/faults", json={"where": "x", "kind": "explode"}, timeout=10)
    assert unknown.status_code == 400


def test_an_error_fault_hits_one_command_of_a_batch(portal: PortalSimulator, url: str) -> None:
    body = {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}
    portal.faults.add("scope", "error", body=body, after=1)
    cmd = {"a": "scope", "b": "scope", "c": "scope"}
    response = requests.post(portal.webhook(url) + "batch", json={"cmd": cmd}, timeout=10).json()["result"]
    assert set(response["result"]) == {"a", "c"}
    assert response["result_error"] == {"b": body}
    assert [entry.status for entry in portal.journal.entries("scope", inner=True)] == [200, 503, 200]
