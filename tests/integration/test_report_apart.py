"""What draws the report is never in the process of the task that publishes it."""

import sys
from pathlib import Path

import pytest

from tests.export import export_over
from tests.integration.small_world import world_of

pytestmark = pytest.mark.postgres


def test_a_report_is_published_by_a_process_that_cannot_draw(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("typst", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, library, None)
    with export_over(world_of(1), database, tmp_path / "storage") as export:
        export.run()
        files = {key.rsplit(".", 1)[1]: export.storage.get_bytes(key) for key in export.storage.keys("exports/")}
    assert files["pdf"].startswith(b"%PDF-")
    assert files["png"].startswith(b"\x89PNG")
