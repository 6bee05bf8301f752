"""`make discover` against the simulated portal: what it says, how little it asks, what it keeps."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from click.testing import CliRunner

from include.calls.domain.portal_survey import Survey
from include.calls.policy import load_policy
from include.calls.steps.survey_portal import survey_portal
from include.clients.bitrix24.telephony import PortalSettings, open_alone
from include.clients.bitrix24.webhook import Webhook
from include.common.periods import Period
from jobs.discover import main
from simulators.bitrix24.app import PortalSimulator
from simulators.bitrix24.limits import Limits
from simulators.bitrix24.world import Call, PortalWorld
from simulators.kit.in_process import running

FIRST = datetime(2025, 8, 1, 9, tzinfo=UTC)
DAYS = Period(datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 10, 23, 59, 59, tzinfo=UTC))
MAIN, OTHER, CLIENT = "reg133788", "+74950000001", "+79990000001"
Surveyed = Callable[[Period, int], Survey]


def world() -> PortalWorld:
    """Ten days with ten calls each: one in two on the first line is recorded, 61 s long, the other line never is."""
    calls = []
    for number in range(100):
        line, recorded = (MAIN, number % 4 == 0) if number % 2 == 0 else (OTHER, False)
        started = FIRST + timedelta(days=number // 10, minutes=number)
        file = 9000 + number if recorded else None
        calls.append(Call(number + 1, started, duration=61, portal_number=line, phone_number=CLIENT, file_id=file))
    return PortalWorld(calls)


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[PortalSimulator]:
    simulator = PortalSimulator(world(), limits=Limits(rps=10_000, bucket=10_000))
    with running(simulator) as url:
        conn = {"conn_type": "bitrix24", "host": url, "login": simulator.user, "password": simulator.token}
        monkeypatch.setenv("AIRFLOW_CONN_BITRIX24", json.dumps(conn))
        monkeypatch.delenv("AIRFLOW_CONN_CALL_EXPORT_DB", raising=False)
        monkeypatch.setenv("B24_RATE_LIMIT_RPS", "100")
        yield simulator


@pytest.fixture
def surveyed(portal: PortalSimulator) -> Iterator[Surveyed]:
    conn = json.loads(os.environ["AIRFLOW_CONN_BITRIX24"])
    webhook = Webhook.of(conn["host"], conn["login"], conn["password"])
    with open_alone(webhook, PortalSettings(rate=1000)) as telephony:
        yield lambda period, most: survey_portal(telephony, period, most=most)


def said(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == status, result.output
    return result.output.replace("\N{NO-BREAK SPACE}", " ")


def test_lines_and_the_price_of_a_month(portal: PortalSimulator) -> None:
    """25 recordings in ten days, each billed two minutes: five minutes a day, 150 a month at 0.0045 USD."""
    output = said("--from", "2025-08-01", "--to", "2025-08-10")
    rows = [line.split() for line in output.splitlines()]
    assert "01.08.2025 — 10.08.2025: 100 звонков по счёту портала" in output
    assert [OTHER, "5,0", "0", "%", "0,0", "0,00"] in rows
    assert [MAIN, "5,0", "50", "%", "5,0", "0,68"] in rows
    assert "Месяц (30 дней): 150 мин по 0,0045 USD — 0,68 USD, 67,50 ₽" in output
    assert CLIENT not in output


def test_a_portal_without_calls_or_recordings_says_what_to_do(portal: PortalSimulator) -> None:
    assert "make check" in said("--from", "2024-01-01", "--to", "2024-01-02")
    for call in portal.world.calls.values():
        call.file_id = None
    assert "включите запись разговоров" in said("--from", "2025-08-01", "--to", "2025-08-10")


def test_a_period_in_the_future_is_refused(portal: PortalSimulator) -> None:
    assert said("--from", "2999-01-01", status=2).startswith("отклонено: ")
    assert portal.journal.count() == 0


def test_a_large_portal_is_judged_by_its_last_days(portal: PortalSimulator, surveyed: Surveyed) -> None:
    found = surveyed(DAYS, 30)
    assert found.total == 100
    assert found.rows <= 30
    assert found.read.start >= datetime(2025, 8, 8, tzinfo=UTC) - timedelta(seconds=1)
    whole = surveyed(DAYS, 1000)
    assert (whole.rows, whole.is_sample) == (100, False)
    rate = load_policy({}).money.usd_rub_rate
    assert abs(found.cost(rate) - whole.cost(rate)) < whole.cost(rate) * Decimal("0.3")


def test_one_day_with_too_many_calls_is_not_read_to_its_end(portal: PortalSimulator, surveyed: Surveyed) -> None:
    for number in range(200, 2000):
        portal.world.add(Call(number, datetime(2025, 8, 10, 12, tzinfo=UTC) + timedelta(seconds=number)))
    portal.journal.clear()
    found = surveyed(DAYS, 100)
    assert found.rows < 200
    assert found.of_period(found.rows) == 1900
    assert len(portal.journal.entries(inner=False)) <= 6


def test_no_call_of_a_client_is_kept_in_a_survey(portal: PortalSimulator, surveyed: Surveyed) -> None:
    assert CLIENT not in repr(surveyed(DAYS, 1000))
