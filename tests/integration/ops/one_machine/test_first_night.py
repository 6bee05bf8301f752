"""A new system's schedule spends nothing before a person has seen the forecast of its first night."""

import importlib
import io
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from include.calls import schedule
from include.calls.state.state import State
from ops.one_machine.first_night import ask_about_first_night, hold_new_schedule
from ops.settings.databases import Databases
from ops.settings.env_file import Settings
from ops.settings.profile import Runtime
from simulators.bitrix24.app import PortalSimulator
from simulators.bitrix24.limits import Limits
from simulators.bitrix24.world import Call, PortalWorld
from simulators.kit.in_process import running
from tests.kit.small_world import by_sql
from tests.kit.state_samples import call, opened

pytestmark = pytest.mark.postgres

REAL = "portal.example"  # a name that is not this machine's own; its address is the simulator's


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[PortalSimulator, str]]:
    """Forty recordings of a minute and a second in the last 20 days: two minutes each are billed."""
    now = datetime.now(UTC)
    calls = [Call(n, now - timedelta(days=20, minutes=-n), duration=61, file_id=9000 + n) for n in range(1, 41)]
    simulator = PortalSimulator(PortalWorld(calls), limits=Limits(rps=1000, bucket=1000))
    real = socket.getaddrinfo

    def named(host: Any, *rest: Any, **options: Any) -> Any:
        return real("127.0.0.1" if host == REAL else host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", named)
    with running(simulator) as url:
        yield simulator, url.replace("127.0.0.1", REAL)


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    runtime = Runtime(root=tmp_path)
    runtime.make()
    return runtime


@pytest.fixture
def settings(portal: tuple[PortalSimulator, str]) -> Settings:
    simulator, url = portal
    return settings_at(url, simulator)


def settings_at(url: str, simulator: PortalSimulator, **other: Any) -> Settings:
    found = {"b24_base_url": url, "b24_webhook_user_id": simulator.user, "b24_webhook_token": simulator.token}
    return Settings(**found | {"b24_rate_limit_rps": "100"} | other)


def begun(settings: Settings, runtime: Runtime, database: str, **options: Any) -> str:
    """What `make up` prints of the first night."""
    databases, console = (
        Databases(database, database),
        Console(record=True, width=200, file=io.StringIO()),
    )
    hold_new_schedule(settings, runtime, databases)
    ask_about_first_night(settings, runtime, databases, console, **options)
    return console.export_text().replace("\N{NO-BREAK SPACE}", " ")


def schedule_of(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """As the DAG file reads it."""
    monkeypatch.setenv("CALL_EXPORT_SCHEDULE_HELD_BY", str(runtime.schedule_held))
    return importlib.reload(schedule).CRON


@pytest.fixture(autouse=True)
def _read_again() -> Iterator[None]:
    yield
    importlib.reload(schedule)


def test_without_a_terminal_the_forecast_is_shown_and_nothing_starts(
    settings: Settings, runtime: Runtime, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = begun(settings, runtime, database)
    assert "Первая ночь — последние 60 дней: записей 40, минут 80, 0,36 USD (36,00 ₽)" in said
    assert "в пределах бюджета" in said
    assert "make up SCHEDULE=true" in said
    assert schedule_of(runtime, monkeypatch) is None
    assert by_sql(database, "SELECT count(*) FROM recordings") == [(0,)], "nothing of the portal is kept"


@pytest.mark.parametrize(("answer", "goes"), [("да", True), ("Д", True), ("нет", False), ("", False)])
def test_a_person_decides(
    settings: Settings, runtime: Runtime, database: str, monkeypatch: pytest.MonkeyPatch, answer: str, goes: bool
) -> None:
    said = begun(settings, runtime, database, ask=lambda: answer)
    assert ("Расписание включено: 0 2 * * *" in said) is goes
    assert schedule_of(runtime, monkeypatch) == ("0 2 * * *" if goes else None)
    again = begun(settings, runtime, database, ask=lambda: "нет")
    assert (again == "") is goes, "asked until a person has agreed, then never again"


def test_a_word_given_before_is_not_asked_for(
    settings: Settings, runtime: Runtime, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(settings, runtime, database)
    assert "Расписание включено" in begun(settings, runtime, database, allowed=True)
    assert schedule_of(runtime, monkeypatch) == "0 2 * * *"


def test_a_forecast_above_the_budget_says_that_the_run_will_ask(
    portal: tuple[PortalSimulator, str], runtime: Runtime, database: str
) -> None:
    settings = settings_at(portal[1], portal[0], budget_usd="0.1")
    assert "спросит согласия в Airflow" in begun(settings, runtime, database)


def test_a_portal_that_does_not_answer_leaves_the_schedule_held(
    portal: tuple[PortalSimulator, str], runtime: Runtime, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_at(f"http://{REAL}:9", portal[0])
    assert "Прогноз первой ночи не составлен" in begun(settings, runtime, database)
    assert schedule_of(runtime, monkeypatch) is None


def test_who_has_exported_before_is_not_asked(settings: Settings, runtime: Runtime, database: str) -> None:
    with State.open(database) as state:
        opened(state, "1", call(1))
    assert begun(settings, runtime, database) == ""


def test_a_simulated_portal_is_not_asked_about(
    portal: tuple[PortalSimulator, str], runtime: Runtime, database: str
) -> None:
    settings = settings_at(portal[1].replace(REAL, "127.0.0.1"), portal[0])
    assert begun(settings, runtime, database) == ""
    assert portal[0].journal.count() == 0
