"""The run parameters: what is accepted, what is refused, and that every place shows the same ones."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from include.calls.domain.run_request import RunRequest, parameter_schemas
from include.calls.wording import problems
from include.calls.wording.run_parameters import PARAMETERS, description
from include.common.errors import BadInput
from tests.kit.run_parameter_tables import MANUAL, RUNBOOK, manual_table, runbook_table, with_table

RUN = UUID("0b0e7a3e-3f5c-4a53-9a0c-6d6a3c1c7b11")
NOW = datetime(2025, 9, 1, 2, tzinfo=UTC)


def test_nothing_is_required() -> None:
    assert RunRequest.of({}) == RunRequest()


def test_a_run_id_may_be_text() -> None:
    assert RunRequest.of({"resume_run_id": str(RUN)}).resume_run_id == RUN


@pytest.mark.parametrize(
    "values",
    [
        {"dry_run": "yes"},
        {"limit_calls": -1},
        {"limit_calls": "5"},
        {"resume_run_id": "17"},
        {"idempotency_key": ""},
        {"idempotency_key": "k" * 129},
        {"period_from": 20250801},
        {"dryrun": True},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_wrong_parameter_is_named_and_its_value_is_not(values: dict[str, object]) -> None:
    """A value may be anything, a secret in the wrong field included."""
    ((name, value),) = values.items()
    with pytest.raises(BadInput) as refused:
        RunRequest.of(values, called=lambda known: f"--{known}")
    for text in (str(refused.value), problems.sentence(refused.value)):
        assert f"--{name}" in text
        assert repr(value) not in text


def test_dead_letters_are_those_of_a_run() -> None:
    with pytest.raises(BadInput, match="resume_run_id"):
        RunRequest(replay_dlq=True).new_period(run_after=NOW, default_days=60, max_days=90)


def test_a_request_without_a_period_has_the_default_one() -> None:
    period = RunRequest().new_period(run_after=NOW, default_days=60, max_days=90)
    assert (period.start, period.end) == (datetime(2025, 7, 3, tzinfo=UTC), NOW)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ({}, "2025-09-01T00:00:00+00:00", "2025-09-01T23:59:59+00:00"),
        ({"period_from": "2025-08-30"}, "2025-08-30T00:00:00+00:00", "2025-09-01T02:00:00+00:00"),
    ],
)
def test_a_backfilled_day_is_that_day_unless_a_period_is_asked_for(asked: dict[str, str], start: str, end: str) -> None:
    request = RunRequest.of(asked).of_one_day(NOW)
    period = request.new_period(run_after=NOW, default_days=60, max_days=90)
    assert (period.start.isoformat(), period.end.isoformat()) == (start, end)


@pytest.mark.parametrize(
    ("name", "value"),
    [("resume_run_id", "6f2f2f0e-0000-4000-8000-000000000000"), ("replay_dlq", True), ("idempotency_key", "august")],
)
def test_a_backfill_takes_no_parameter_that_is_about_one_run(name: str, value: object) -> None:
    """One key for all days would leave every day but the first without a text, and green."""
    with pytest.raises(BadInput, match=name):
        RunRequest.of({name: value}).of_one_day(NOW)


def test_each_parameter_has_its_russian_words() -> None:
    assert list(PARAMETERS) == list(parameter_schemas()) == list(RunRequest.model_fields)
    assert all(description(name) for name in PARAMETERS)


def test_an_optional_parameter_has_one_type_beside_null() -> None:
    """Airflow's form shows a field for a list of types, not for `anyOf`."""
    for name, schema in parameter_schemas().items():
        assert "anyOf" not in schema, name
        assert schema["type"] in ("boolean", "integer", ["null", "string"], ["null", "boolean"])


@pytest.mark.parametrize(("page", "table"), [(RUNBOOK, runbook_table()), (MANUAL, manual_table())], ids=["book", "dag"])
def test_the_tables_are_up_to_date(page, table) -> None:  # type: ignore[no-untyped-def]
    """If not: python -m tests.kit.run_parameter_tables."""
    text = page.read_text(encoding="utf-8")
    assert with_table(text, table) == text
