"""Calls that are long in the statistics, so that their forecast exceeds the budget; their recordings last a second."""

from datetime import UTC, datetime, timedelta
from functools import partial

from simulators.bitrix24.world import Audio, Call, PortalWorld
from simulators.sound.dialogues import record_briefly

MINUTES = 5000  # of the portal's: four such calls are 90 USD at 0.0045 a minute, more than 54 and a fifth


def add_costly_calls(world: PortalWorld, day: str, count: int, *, minutes: int = MINUTES) -> list[Call]:
    """`count` calls a few seconds apart on that UTC day, after all calls that the world has."""
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    first = max(world.calls) + 1
    calls = []
    for number in range(first, first + count):
        began = start + timedelta(seconds=10 * (number - first))
        call = Call(number, began, duration=minutes * 60, file_id=900_000 + number)
        world.add(call, Audio(partial(record_briefly, number)))
        calls.append(call)
    return calls
