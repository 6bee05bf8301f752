"""What draws the report is never in the process of the task that publishes it; what fails meanwhile keeps its name."""

import sys
from pathlib import Path
from typing import NoReturn

import pytest

from include.calls.domain.states import RunStatus
from include.calls.steps.publish import publish
from include.clients.storage.base import storage_failure
from include.clients.storage.local import LocalStorage
from include.common.errors import Temporary
from tests.kit.small_world import by_sql, world_of
from tests.kit.undrawn_report import InThisProcess
from tests.kit.whole_export import export_over

pytestmark = pytest.mark.postgres


def test_a_report_is_published_by_a_process_that_cannot_draw(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("typst", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, library, None)
    with export_over(world_of(1), database, tmp_path / "storage", drawn=True) as export:
        export.run()
        files = {key.rsplit(".", 1)[1]: export.storage.get_bytes(key) for key in export.storage.keys("exports/")}
    assert files["pdf"].startswith(b"%PDF-")
    assert files["png"].startswith(b"\x89PNG")


class DoesNotKnowTheFileAsked(LocalStorage):
    def exists(self, key: str) -> bool:
        if key.startswith("transcripts/2024/"):
            raise storage_failure(key, "slow down")
        return super().exists(key)


def test_a_storage_that_fails_while_texts_are_counted_is_the_storages_failure(database: str, tmp_path: Path) -> None:
    """Not the database's, whose cursor is open meanwhile: only what the storage says is tried again."""
    with export_over(world_of(2), database, tmp_path / "storage") as export:
        run_id = export.run().run_id
        by_sql(export.conninfo, "UPDATE recordings SET transcript_path = 'transcripts/2024/12/31/call-1.txt'")
        with export.state() as state:
            with pytest.raises(Temporary, match="slow down"):
                publish(run_id, state, DoesNotKnowTheFileAsked(tmp_path / "storage"), export.policy)
            assert publish(run_id, state, export.storage, export.policy) == 2


class Killed(InThisProcess):
    def run(self, *_: object, **__: object) -> NoReturn:
        raise Temporary("the drawing was killed")


def test_a_report_that_is_not_drawn_costs_nobody_the_registry(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with export_over(world_of(2), database, tmp_path / "storage") as export:
        monkeypatch.setattr("include.calls.steps.publish.Subprocess", Killed)
        outcome, batches = export.prepare()
        export.work(outcome, batches)
        with export.state() as state, pytest.raises(Temporary, match="drawing was killed"):
            publish(outcome.run_id, state, export.storage, export.policy)
        assert export.registry().count("completed") == 2
        assert not [key for key in export.storage.keys("exports/") if key.endswith(".pdf")]


class KeepsNoRegistry(LocalStorage):
    def put_file(self, key: str, path: Path, content_type: str) -> None:
        if "/registry/" in key:
            raise storage_failure(key, "no space left")
        super().put_file(key, path, content_type)


def test_a_registry_that_is_not_stored_is_told_and_no_report_goes_before_it(database: str, tmp_path: Path) -> None:
    with export_over(world_of(2), database, tmp_path / "storage") as export:
        outcome, batches = export.prepare()
        export.work(outcome, batches)
        with export.state() as state, pytest.raises(Temporary, match="no space left"):
            publish(outcome.run_id, state, KeepsNoRegistry(tmp_path / "storage"), export.policy)
        assert not [key for key in export.storage.keys("exports/") if key.endswith(".pdf")]


def test_a_period_without_a_call_has_a_registry_without_a_row(database: str, tmp_path: Path) -> None:
    with export_over(world_of(2), database, tmp_path / "storage") as export:
        outcome = export.run(period_from="2025-07-01", period_to="2025-07-02", deliver_texts=True)
        assert outcome.verdict.status is RunStatus.COMPLETED
        registry = export.storage.get_bytes("exports/2025-07-01_2025-07-02/registry/calls_2025-07-01_2025-07-02.csv")
        assert registry.count(b"\r\n") == 1
