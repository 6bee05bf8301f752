"""A run needs a `TelephonySystem` and nothing of Bitrix24: here one of three calls in memory."""

# ruff: noqa: ARG002  the fake has the protocol's signatures

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.calls.domain.states import RunStatus
from include.common.errors import BadRow, ExportError
from include.common.periods import Period
from include.common.telephony import (
    Call,
    CallOutcome,
    Direction,
    DownloadedFile,
    Listed,
    RecordingKey,
    RecordingLink,
    RecordingRequest,
    TelephonySystem,
)
from simulators.bitrix24.world import PortalWorld
from simulators.sound.dialogues import record_briefly
from tests.kit.small_world import by_sql
from tests.kit.whole_export import export_over

pytestmark = pytest.mark.postgres


def call(number: int, direction: Direction, outcome: CallOutcome = CallOutcome.ANSWERED) -> Call:
    recorded = outcome is CallOutcome.ANSWERED
    return Call(
        statistics_id=number,
        call_id=f"call-{number}",
        record_id=str(number) if recorded else f"none-{number}",
        started_at=datetime(2025, 8, 1, 9, tzinfo=UTC) + timedelta(minutes=number),
        direction=direction,
        phone_line="+74950000001",
        client_number="+79990000001",
        employee_id="7",
        duration_sec=2 if recorded else 0,
        outcome=outcome,
        outcome_code="x",
        has_recording=recorded,
        recording_ref=str(number) if recorded else None,
        recording_url=None,
    )


class ThreeCalls:
    """One inbound call, one outbound call, one missed call, and a row that cannot be read."""

    name = "three"
    host = "three.example"
    links_at_once = 1
    server_seconds: Mapping[str, float] = {}
    clock_offset_sec = None

    def check_access(self, now: datetime, *, transcripts: bool = False) -> None:
        assert now.tzinfo

    def count_calls(self, period: Period) -> int:
        return sum(map(len, self.list_calls(period)))

    def list_calls(self, period: Period, *, total: int | None = None) -> Iterator[list[Listed]]:
        yield [call(1, Direction.INBOUND), call(2, Direction.OUTBOUND)]
        yield [call(3, Direction.INBOUND, CallOutcome.MISSED), BadRow("row 4 has no date")]

    def employee_names(self, ids: Iterable[str]) -> dict[str, str]:
        return dict.fromkeys(ids, "Оператор 7")

    def links(self, requests: Sequence[RecordingRequest]) -> dict[RecordingKey, RecordingLink | ExportError]:
        return {request.key: RecordingLink(f"three://{request.recording_ref}") for request in requests}

    def download(self, link: RecordingLink, target: Path) -> DownloadedFile:
        audio = record_briefly(int(link.url.removeprefix("three://")))
        target.write_bytes(audio)
        return DownloadedFile(len(audio), hashlib.sha256(audio).hexdigest(), "mp3")

    def transcripts(self, statistics_ids: Sequence[int]) -> dict[int, str]:
        return {}


def test_a_run_exports_the_calls_of_any_system(database: str, tmp_path: Path) -> None:
    """Listed, downloaded, recognised, in the registry; the portal gets no request."""
    system: TelephonySystem = ThreeCalls()
    with export_over(PortalWorld(), database, tmp_path) as export:
        export.telephony = system
        outcome = export.run()
        assert (outcome.red, outcome.verdict.status) == ([], RunStatus.COMPLETED)
        rows = list(csv.DictReader(io.StringIO(export.registry()), delimiter=";"))
        assert [(row["call_id"], row["direction"], row["status"]) for row in rows] == [
            ("call-1", "inbound", "completed"),
            ("call-2", "outbound", "completed"),
            ("call-3", "inbound", "no_recording"),
        ]
        assert {row["employee"] for row in rows} == {"7 Оператор 7"}
        assert export.portal.journal.entries() == []
    assert by_sql(database, "SELECT detail ->> 'reason' FROM call_events WHERE event = 'bad_row'") == [
        ("row 4 has no date",)
    ]
