"""What the DAG reads while it is parsed is what the policy says: no default stands twice."""

import importlib

import pytest

from include.calls import schedule
from include.calls.policy import ENVIRONMENT, load_policy

READ = {
    "CALL_EXPORT_CRON": "CRON",
    "CALL_EXPORT_SLA_HOURS": "SLA_HOURS",
    "B24_BACKOFF_SECONDS": "PORTAL_BACKOFF_SECONDS",
    "STT_BACKOFF_SECONDS": "RECOGNITION_BACKOFF_SECONDS",
}


@pytest.fixture(autouse=True)
def read_again(monkeypatch: pytest.MonkeyPatch):
    for name in READ:
        monkeypatch.delenv(name, raising=False)
    yield
    monkeypatch.undo()
    importlib.reload(schedule)


@pytest.mark.parametrize("name", READ)
def test_without_a_variable_the_policys_value_counts(name: str) -> None:
    section, field = ENVIRONMENT[name]
    importlib.reload(schedule)
    assert getattr(schedule, READ[name]) == getattr(getattr(load_policy({}), section), field)


@pytest.mark.parametrize("name", READ)
def test_a_variable_takes_its_place(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = "30 3 * * 1" if name == "CALL_EXPORT_CRON" else "7.5"
    monkeypatch.setenv(name, value)
    importlib.reload(schedule)
    assert str(getattr(schedule, READ[name])) == value


def test_a_value_that_is_no_number_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALL_EXPORT_SLA_HOURS", "soon")
    with pytest.raises(ValueError, match=r"^CALL_EXPORT_SLA_HOURS must be a number, it is 'soon'$"):
        importlib.reload(schedule)
