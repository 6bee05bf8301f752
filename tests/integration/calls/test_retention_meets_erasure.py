"""Retention beside a running export and a running erasure: no deadlock, nothing lost, left or bought again."""

import csv
import io
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from include.calls.domain.erasure import ErasureStatus
from include.calls.domain.erasure_hashes import ErasureKey
from include.calls.domain.states import RunStatus
from include.calls.steps.erase import erase, record_decision, register
from include.calls.steps.expire import expire
from include.common.errors import Temporary
from simulators.bitrix24.world import Audio, Call, PortalWorld
from simulators.sound.dialogues import record_briefly
from tests.kit.small_world import bought, by_sql
from tests.kit.whole_export import Export, export_over

pytestmark = [pytest.mark.postgres, pytest.mark.long, pytest.mark.timeout(600)]

KEY = ErasureKey.of("the key of this installation")
NUMBER = "89161234567"
PER_DAY = 12
OLD, NEW = datetime(2025, 8, 1, 9, tzinfo=UTC), datetime(2025, 8, 2, 9, tzinfo=UTC)
ERASED = {3, 8}  # of each day the calls of the person
NIGHT = datetime(2025, 8, 1, 0, 30, tzinfo=UTC) + timedelta(days=181)  # the old day is past its period, the new is not


def world() -> PortalWorld:
    found = PortalWorld()
    for day, first in enumerate((OLD, NEW)):
        for number in range(1, PER_DAY + 1):
            row = day * PER_DAY + number
            phone = NUMBER if number in ERASED else f"+7999000{row:04}"
            call = Call(row, first + timedelta(minutes=number), f"call-{row}", file_id=9000 + row, phone_number=phone)
            found.add(call, Audio(partial(record_briefly, row)))
    return found


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    with export_over(world(), database, tmp_path / "storage") as export:
        export.erasure_key = KEY
        export.pause = 0.2
        days = export.policy.retention_days.model_copy(update={"audio": 180, "recognition": 180, "audit": 100_000})
        export.policy = export.policy.model_copy(update={"retention_days": days})
        yield export


class Beside(threading.Thread):
    """Work that goes on beside the test; a Temporary is tried again, as Airflow does, and any other error is kept."""

    def __init__(self, work: Callable[[], None], *, again: Callable[[], bool]) -> None:
        super().__init__(daemon=True)
        self.times, self.waits = 0, 0
        self.error: BaseException | None = None
        self._work, self._again = work, again

    def run(self) -> None:
        try:
            while True:
                try:
                    self._work()
                    self.times += 1
                except Temporary:
                    self.waits += 1
                    time.sleep(0.2)
                    continue
                if not self._again():
                    return
        except BaseException as error:  # the test tells it
            self.error = error


def approved(export: Export) -> UUID:
    demand = {"erase_number": NUMBER, "reason": "обращение № 12", "asked_by": "сам человек"}
    with export.state() as state:
        erasure_id = register(demand, "manual__1", "officer", state, KEY)
        at = state.recordings.now()
        record_decision(erasure_id, state, approved=True, by="director", at=at)
    return erasure_id


def test_retention_an_export_and_an_erasure_at_once(export: Export, database: str, tmp_path: Path) -> None:
    """The erasure begins while the run works on the person's calls; nights of retention follow one another."""
    export.run(period_from="2025-08-01", period_to="2025-08-01", deliver_texts=True)
    assert bought(export) == PER_DAY
    outcome, batches = export.prepare(period_from="2025-08-01", period_to="2025-08-02", deliver_texts=True)
    erasure_id = approved(export)
    ended = threading.Event()

    def night() -> None:
        with export.state() as state:
            expire(state, export.storage, export.policy, now=NIGHT, dry_run=False)

    def erasing() -> None:
        with export.state() as state:
            erase(erasure_id, state, export.storage, export.policy, KEY)

    nights = Beside(night, again=lambda: not ended.is_set())
    erasure = Beside(erasing, again=lambda: False)
    nights.start()
    erasure.start()
    export.work(outcome, batches)
    export.close(outcome)
    erasure.join(200)
    ended.set()
    nights.join(60)
    assert (nights.error, erasure.error, outcome.red) == (None, None, [])
    assert [work.is_alive() for work in (nights, erasure)] == [False, False]
    assert nights.times > 1
    assert by_sql(database, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]
    assert outcome.verdict.status is RunStatus.COMPLETED
    by_sql(database, "UPDATE file_removals SET removed_at = removed_at - interval '1 day'")
    with export.state() as state:  # what publications wrote behind the nights goes in the next one
        expire(state, export.storage, export.policy, now=NIGHT, dry_run=False)
        erase(erasure_id, state, export.storage, export.policy, KEY)
    stays = {f"call_call-{PER_DAY + number}" for number in range(1, PER_DAY + 1) if number not in ERASED}
    for top in ("raw", "transcripts", "recognition"):
        left = {key.rpartition("/")[2].rpartition(".")[0] for key in export.storage.keys(f"{top}/")}
        assert left == stays, top
    copies = {key.rpartition("/")[2].rpartition(".")[0] for key in export.storage.keys("exports/") if "/transcr" in key}
    assert copies == stays
    statement = "SELECT DISTINCT status FROM erasures"
    assert by_sql(database, statement) == [(ErasureStatus.SETTLED,)]
    assert by_sql(database, "SELECT count(*) FROM recordings WHERE status = 'erased'") == [(2 * len(ERASED),)]
    texts = "SELECT count(*) FROM recordings JOIN transcripts USING (transcript_id) WHERE body <> ''"
    assert by_sql(database, texts) == [(len(stays),)]
    assert PER_DAY + len(stays) <= bought(export) <= 2 * PER_DAY, "the old day is not bought again"
    key = "exports/2025-08-01_2025-08-02/registry/calls_2025-08-01_2025-08-02.csv"
    rows = list(csv.DictReader(io.StringIO(export.storage.get_bytes(key).decode("utf-8-sig")), delimiter=";"))
    assert {row["call_id"] for row in rows if row["transcript_path"]} == {name.removeprefix("call_") for name in stays}
    assert not [row for row in rows if "9161234567" in row["from"] + row["to"]]
    stored = b"".join(path.read_bytes() for path in (tmp_path / "storage").rglob("*") if path.is_file())
    assert b"9161234567" not in stored
