"""Three clients list the same period of one simulated portal under its real limits (2 requests a second)."""

import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from trials.bench.world import START, Result, database

if TYPE_CHECKING:
    from simulators.bitrix24.app import PortalSimulator

DAYS = 60
MOST_REQUESTS = 5


def ours(folder: Path, calls: int) -> Result:
    """Our client: by keyset through batch, paced by PostgreSQL."""
    from include.clients.bitrix24.call_listing import list_rows
    from include.clients.bitrix24.pace import PortalPace
    from include.clients.bitrix24.portal import Portal
    from include.clients.bitrix24.webhook import Webhook
    from include.common.periods import Period

    with database(folder) as conninfo, _served(calls) as (simulator, url):
        webhook = Webhook.of(url, simulator.user, simulator.token)
        pace = PortalPace(conninfo, webhook.host)
        portal = Portal(webhook, pace)
        began = time.perf_counter()
        rows = sum(len(page) for page in list_rows(portal, Period(START, START + timedelta(days=DAYS + 1))))
        seconds = time.perf_counter() - began
        portal.close()
        pace.close()
        return _result(simulator, rows, seconds, "by keyset: calls that appear meanwhile shift nothing")


def fast_bitrix24(_: Path, calls: int) -> Result:
    """The best-known client, with its own throttling."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own imports warn
        from fast_bitrix24 import Bitrix

    with _served(calls) as (simulator, url):
        client = Bitrix(simulator.webhook(url), verbose=False)
        began = time.perf_counter()
        rows = len(client.get_all("voximplant.statistic.get"))
        seconds = time.perf_counter() - began
        return _result(simulator, rows, seconds, "by offsets, unsorted: new calls shift rows")


def b24pysdk(folder: Path, calls: int) -> Result:
    """The vendor's SDK, over TLS because it supports nothing else."""
    import trustme

    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    key, cert, bundle = (folder / name for name in ("key.pem", "cert.pem", "ca.pem"))
    issued.private_key_pem.write_to_path(key)
    issued.cert_chain_pems[0].write_to_path(cert)
    authority.cert_pem.write_to_path(bundle)
    os.environ["REQUESTS_CA_BUNDLE"] = str(bundle)
    from b24pysdk import BitrixWebhook, Client  # type: ignore[import-untyped]

    with _served(calls, cert=cert, key=key) as (simulator, url):
        webhook = BitrixWebhook(
            domain=url.removeprefix("https://"), webhook_token=f"{simulator.user}/{simulator.token}"
        )
        began = time.perf_counter()
        rows = len(list(Client(webhook).voximplant.statistic.get().as_list().result))
        seconds = time.perf_counter() - began
        return _result(simulator, rows, seconds, "as_list(): unsorted; a refusal inside a batch loses rows silently")


def register(folder: Path, calls: int) -> Result:
    """Stores rows of the portal as recordings."""
    with database(folder) as conninfo:
        began = time.perf_counter()
        registered(conninfo, calls)
        return Result(calls, "rows", time.perf_counter() - began, "COPY and one INSERT for 5,000 rows")


def registered(conninfo: str, calls: int) -> UUID:
    from include.calls.state.state import State
    from include.calls.state.types import NewRun
    from include.common.telephony import Call, CallOutcome, Direction

    run_id = uuid4()
    step = timedelta(days=DAYS) / calls
    rows = (
        Call(
            statistics_id=number,
            call_id=f"externalCall.{number:032x}.1754478570",
            record_id=str(number),
            started_at=START + step * number,
            direction=Direction.INBOUND,
            phone_line="reg133788",
            client_number="+79990000001",
            employee_id="12",
            duration_sec=60,
            outcome=CallOutcome.ANSWERED,
            outcome_code="200",
            has_recording=True,
            recording_ref=str(number),
            recording_url=None,
        )
        for number in range(1, calls + 1)
    )
    name, end = f"bench-{run_id}", START + step * calls
    with State.open(conninfo) as state:
        run = state.runs.open(NewRun(run_id, name, name, START, end, "bench", "manual", due_at=end))
        portal_id = state.portals.of("bench.example", [])
        state.runs.set_portal(run_id, portal_id)
        state.listing.save(run, portal_id, rows, {"12": "Оператор 12"})
    return run_id


@contextmanager
def _served(calls: int, **tls: Path) -> "Iterator[tuple[PortalSimulator, str]]":
    from simulators.bitrix24.app import PortalSimulator
    from simulators.bitrix24.world import Call, PortalWorld
    from simulators.kit.in_process import running

    step = timedelta(days=DAYS) / calls
    simulator = PortalSimulator(PortalWorld(Call(number, START + step * number) for number in range(1, calls + 1)))
    with running(simulator, **tls) as url:  # type: ignore[arg-type]
        yield simulator, url


def _result(simulator: "PortalSimulator", rows: int, seconds: float, detail: str) -> Result:
    requests = len(simulator.journal.entries(inner=False))
    return Result(rows, "calls", seconds, f"{requests} HTTP requests, {detail}", kept=requests <= MOST_REQUESTS)
