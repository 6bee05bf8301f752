"""A portal of a few short recordings, and how a fault test looks at what became of them."""

import csv
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg

from include.calls.domain.states import RecordStatus
from simulators.bitrix24.world import Audio, Call, PortalWorld
from simulators.sound.dialogues import record_briefly
from tests.kit.whole_export import Export

FIRST = datetime(2025, 8, 1, 9, tzinfo=UTC)


def world_of(recordings: int, *, first: datetime = FIRST) -> PortalWorld:
    """Calls a minute apart, each with a recording of a second or two that is one request to the recogniser."""
    world = PortalWorld()
    for number in range(1, recordings + 1):
        call = Call(number, first + timedelta(minutes=number), f"call-{number}", file_id=9000 + number)
        world.add(call, Audio(partial(record_briefly, number)))
    return world


def statuses(export: Export, run_id: UUID) -> dict[RecordStatus, int]:
    return dict(Counter(record.status for record in export.records(run_id)))


def codes(export: Export, run_id: UUID) -> list[str | None]:
    return [record.error_code for record in export.records(run_id)]


def attempts(export: Export, run_id: UUID) -> list[int]:
    """How often each record was tried in vain, in the order of the calls."""
    return [record.attempts for record in export.records(run_id)]


def asked(export: Export) -> int:
    """Requests that reached the recogniser."""
    return export.recogniser.journal.count("transcriptions")


def bought(export: Export) -> int:
    """Requests that the recogniser answered and would bill."""
    return export.recogniser.journal.count("transcriptions", status=200)


def downloaded(export: Export) -> int:
    return export.portal.journal.count("download") + export.portal.journal.count("storage")


def registry(export: Export) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(export.registry()), delimiter=";"))


def by_sql(database: str, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """What an operator does by hand; the rows that come back, if any."""
    with psycopg.connect(database, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), parameters)
        return cursor.fetchall() if cursor.description else []
