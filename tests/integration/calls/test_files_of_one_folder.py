"""Runs that share a folder of days: no part, no forecast and no failure takes the place of the whole (ADR 0014)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.calls.domain.states import RunStatus
from include.calls.steps.publish import publish
from tests.kit.small_world import world_of
from tests.kit.whole_export import Export, export_over

pytestmark = pytest.mark.postgres

FOLDER = "2025-08-01_2025-08-02"


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    with export_over(world_of(3), database, tmp_path / "storage") as export:
        yield export


def published(export: Export) -> dict[str, bytes]:
    """Registry and report by their names within the folder; a report says when it was made, its pictures do not."""
    keys = export.storage.keys(f"exports/{FOLDER}/")
    wanted = {key for key in keys if "/registry/" in key or "/reports/summary" in key}
    return {key.rsplit("/", 1)[1]: export.storage.get_bytes(key) for key in wanted}


def lines_of(registry: bytes) -> int:
    return registry.decode("utf-8-sig").count("\r\n") - 1


@pytest.mark.parametrize(
    ("asked", "part", "calls"),
    [
        ({"limit_calls": 1}, "_trial", 1),
        ({"period_from": "2025-08-01T09:02:00"}, "_090200-235959", 2),
        ({"period_to": "2025-08-02T12:00:00+03:00"}, "_000000-090000", 3),
        ({"period_from": "2025-08-01T09:02:00", "limit_calls": 1}, "_090200-235959_trial", 1),
    ],
    ids=["a trial", "from within a day", "to within a day", "a trial of a part"],
)
def test_a_part_has_files_of_its_own(export: Export, asked: dict[str, object], part: str, calls: int) -> None:
    export.run()
    whole = published(export)
    again = export.run(**asked)
    assert again.verdict.status is RunStatus.COMPLETED
    both = published(export)
    assert {name: both[name] for name in whole} == whole
    new = both.keys() - whole.keys()
    assert {f"calls_{FOLDER}{part}.csv", f"summary_{FOLDER}{part}.md", f"summary_{FOLDER}{part}.pdf"} <= new
    assert all(name.startswith((f"calls_{FOLDER}{part}", f"summary_{FOLDER}{part}")) for name in new)
    assert lines_of(both[f"calls_{FOLDER}{part}.csv"]) == calls
    assert f"summary_{FOLDER}{part}_" in both[f"summary_{FOLDER}{part}.md"].decode(), "its own pictures"


def test_a_forecast_leaves_registry_and_report_as_they_are(export: Export) -> None:
    export.run()
    before = published(export)
    assert export.run(dry_run=True).verdict.status is RunStatus.COMPLETED
    assert published(export) == before


def test_a_forecast_alone_writes_its_estimate_and_no_registry(export: Export) -> None:
    export.run(dry_run=True)
    assert published(export) == {}
    assert export.storage.exists(f"exports/{FOLDER}/reports/estimate_{FOLDER}.md")


def test_a_run_that_never_saw_the_calls_leaves_the_complete_registry_alone(export: Export) -> None:
    """`publish` comes after whatever failed: a refused token, say, on the way to the list."""
    export.run()
    before = published(export)
    refused = export.open()
    with export.state() as state:
        publish(refused, state, export.storage, export.policy, upstream_failed="preflight")
    assert published(export) == before


def test_where_there_is_none_yet_it_says_what_failed(export: Export) -> None:
    refused = export.open()
    with export.state() as state:
        publish(refused, state, export.storage, export.policy, upstream_failed="preflight")
    assert "preflight" in published(export)[f"summary_{FOLDER}.md"].decode()
    assert lines_of(published(export)[f"calls_{FOLDER}.csv"]) == 0
    assert export.run().verdict.status is RunStatus.COMPLETED
    assert lines_of(published(export)[f"calls_{FOLDER}.csv"]) == 3
