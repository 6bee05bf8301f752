"""A run that would not fit the disk says so before it downloads."""

from pathlib import Path

import pytest

from include.calls.domain.states import RunStatus
from include.calls.wording import problems
from include.clients.storage.local import LocalStorage
from include.common.errors import NotConfigured
from tests.kit.small_world import world_of
from tests.kit.whole_export import export_over

pytestmark = pytest.mark.postgres


def test_what_does_not_fit_is_not_downloaded(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalStorage, "free_bytes", lambda _: 1_000_000_000)
    with export_over(world_of(3), database, tmp_path) as export:
        with pytest.raises(NotConfigured) as caught:
            export.run()
        assert "не хватает" in problems.sentence(caught.value)
        assert export.portal.journal.count("download") == 0
        forecast = export.run(dry_run=True)
        assert forecast.verdict.status is RunStatus.COMPLETED, "a forecast is made all the same"
        monkeypatch.setattr(LocalStorage, "free_bytes", lambda _: None)  # as of a bucket
        assert export.run().verdict.status is RunStatus.COMPLETED
        monkeypatch.setattr(LocalStorage, "free_bytes", lambda _: 1_000_000)
        assert export.run().verdict.status is RunStatus.COMPLETED, "nothing is bought: a full disk stops no report"
