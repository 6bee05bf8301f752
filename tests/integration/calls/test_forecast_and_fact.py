"""A run's forecast equals what it spends: minutes and money within a percent."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest

from include.calls.domain.storage_keys import report_key
from include.calls.state.figures import ReportFigures
from include.common.periods import Period
from simulators.bitrix24.world import Audio, Call, PortalWorld
from simulators.sound.dialogues import record
from tests.integration.calls.reporting.test_report_equals_database import figure
from tests.kit.whole_export import FROM, TO, export_over

pytestmark = [pytest.mark.postgres, pytest.mark.long]

FIRST = datetime(2025, 8, 1, 9, tzinfo=UTC)
LENGTHS = (59, 60, 61, 120)  # seconds, on both sides of whole minutes: there a forecast is wrong first
CONTAINERS = ("mp3", "wav", "ogg")
BAR = Decimal("0.01")


def world_of(lengths, *, first, longer=0):
    """One call each; the recordings are as long as the portal says, or `longer` seconds more."""
    world = PortalWorld()
    for number, seconds in enumerate(lengths, start=first):
        extension = CONTAINERS[number % len(CONTAINERS)]
        speak = partial(record, number, seconds=seconds + longer, extension=extension, stereo=False)
        call = Call(number, FIRST + timedelta(hours=3 * (number - first)), f"call-{number}", duration=seconds)
        call.file_id = 9000 + number
        world.add(call, Audio(speak, extension))
    return world


def figures_of(export, run_id):
    with export.state() as state:
        return ReportFigures(state.session).figures(run_id)


def off(forecast, fact):
    return abs(Decimal(fact) - Decimal(forecast)) / Decimal(forecast)


@pytest.mark.parametrize("run", [1, 2, 3])
def test_forecast_and_fact_are_within_a_percent(database, tmp_path, run):
    """Three runs: all to buy, the default tariff; another tariff; half of the recordings bought by an earlier run."""
    tariff = {} if run == 1 else {"WHISPER_RATE_PER_MIN_USD": "0.006"}
    world = world_of([*LENGTHS, 11 * run], first=100 * run)
    with export_over(world, database, tmp_path / "storage", **tariff) as export:
        if run == 3:
            export.run(period_to="2025-08-01T14:00:00Z")
        outcome = export.run(period_from=FROM, period_to=TO)
        found = figures_of(export, outcome.run_id)
        period = Period(datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 2, 23, 59, 59, tzinfo=UTC))
        report = export.storage.get_bytes(report_key(period, ".md")).decode()
    minutes = found.run.forecast_minutes, found.totals.bought_minutes
    money = found.run.forecast_cost, found.totals.spent
    assert minutes[0] > 0
    assert off(*minutes) <= BAR
    assert off(*money) <= BAR
    assert (found.totals.reused > 0) == (run == 3)
    assert figure(report, "Прогноз: минут к покупке") == minutes[0]
    assert figure(report, "Куплено минут этим запуском") == minutes[1]
    assert figure(report, "Факт минус прогноз") == round(money[1] - money[0], 4)


def test_longer_recordings_are_seen_in_the_comparison(database, tmp_path):
    """Otherwise the test above could not fail."""
    with export_over(world_of([50, 55], first=500, longer=30), database, tmp_path / "storage") as export:
        found = figures_of(export, export.run().run_id)
    assert (found.run.forecast_minutes, found.totals.bought_minutes) == (2, 4)
    assert found.totals.spent == 2 * found.run.forecast_cost
