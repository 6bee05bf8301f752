"""Foreign clients understand the simulated portal."""

import asyncio
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from simulators.bitrix24.app import PortalSimulator
from simulators.bitrix24.limits import Limits
from simulators.bitrix24.world import Audio, Call, PortalWorld
from simulators.kit.in_process import running

START = datetime(2025, 8, 1, 9, tzinfo=UTC)


@pytest.fixture
def portal() -> PortalSimulator:
    world = PortalWorld(Call(number, START + timedelta(minutes=number)) for number in range(1, 131))
    world.add(Call(131, START, file_id=9079), Audio(b"audio"))
    return PortalSimulator(world, limits=Limits(bucket=1000, rps=1000))


@pytest.fixture
def fast_bitrix24(portal: PortalSimulator) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own imports warn; not ours to judge
        from fast_bitrix24 import Bitrix
    # It asks for the thread's event loop and leaves the one it makes open, for whichever test collects it.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        with running(portal) as url:
            yield Bitrix(portal.webhook(url), verbose=False)
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_fast_bitrix24_reads_all_pages(fast_bitrix24: Any) -> None:
    """Its get_all() takes the first page, then the others in batches, and checks their number against `total`."""
    rows = fast_bitrix24.get_all("voximplant.statistic.get", {"FILTER": {"<ID": 121}})
    assert sorted(int(row["ID"]) for row in rows) == list(range(1, 121))


def test_fast_bitrix24_gets_entities_by_id(fast_bitrix24: Any) -> None:
    (file,) = fast_bitrix24.call("disk.file.get", {"id": 9079}).values()  # keyed by its own batch label
    assert file["ID"] == "9079"
    users = fast_bitrix24.get_by_ID("user.get", ["11", "12"])
    assert {key: [user["LAST_NAME"] for user in found] for key, found in users.items()} == {"11": ["11"], "12": ["12"]}


def test_fast_bitrix24_raises_what_a_batch_refused(fast_bitrix24: Any) -> None:
    from fast_bitrix24.server_response import ErrorInServerResponseException

    with pytest.raises(ErrorInServerResponseException, match="Could not find entity with id `5`"):
        fast_bitrix24.call("disk.file.get", {"id": 5})


def test_fast_bitrix24_retries_the_portal_s_refusal(fast_bitrix24: Any, portal: PortalSimulator) -> None:
    body = {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}
    portal.faults.add("batch", "status", status=503, body=body)
    (file,) = fast_bitrix24.call("disk.file.get", {"id": 9079}).values()
    assert file["ID"] == "9079"
    assert [entry.status for entry in portal.journal.entries("batch")] == [503, 200]


@pytest.fixture
def webhook(portal: PortalSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A b24pysdk webhook; it speaks TLS only."""
    from b24pysdk import BitrixWebhook

    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with running(portal, cert=tmp_path / "cert.pem", key=tmp_path / "key.pem") as url:
        yield BitrixWebhook(domain=url.removeprefix("https://"), webhook_token=f"{portal.user}/{portal.token}")


def test_b24pysdk_raw_calls(webhook: Any) -> None:
    params = {"FILTER": {">ID": 100}, "SORT": "ID", "ORDER": "ASC", "start": -1}
    response = webhook.call_method("voximplant.statistic.get", params)
    assert [row["ID"] for row in response["result"]] == [str(number) for number in range(101, 132)]
    assert response["result"][0]["CALL_START_DATE"] == "2025-08-01T13:41:00+03:00"


def test_b24pysdk_batches(webhook: Any) -> None:
    response = webhook.call_batch(
        {
            "users": ("user.get", {"FILTER": {"ID": [11, 12]}}),
            "calls": ("voximplant.statistic.get", {"FILTER": {">=CALL_START_DATE": "2025-08-01T11:00:00+00:00"}}),
            "gone": ("disk.file.get", {"id": 5}),
        }
    )["result"]
    assert [user["ID"] for user in response["result"]["users"]] == ["11", "12"]
    assert response["result_total"] == {"users": 2, "calls": 11}
    assert response["result_error"]["gone"]["error"] == "ERROR_NOT_FOUND"


def test_b24pysdk_names_the_refusals(webhook: Any, portal: PortalSimulator) -> None:
    from b24pysdk import errors

    portal.rights.scopes = frozenset()
    with pytest.raises(errors.BitrixAPIInsufficientScope):
        webhook.call_method("voximplant.statistic.get")
    portal.limits = Limits(method_budget=0)
    with pytest.raises(errors.BitrixAPIOperationTimeLimit):
        webhook.call_method("scope")
    portal.refuse_all = "expired_token"
    with pytest.raises(errors.BitrixAPIExpiredToken):
        webhook.call_method("scope")
