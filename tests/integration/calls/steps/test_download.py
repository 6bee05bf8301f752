"""A task's downloads overlap, so that slow ones do not waste the portal's rate, and none is left half done."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from include.calls.domain.states import RecordStatus
from include.calls.steps.download import download_batch
from include.calls.steps.outcome import Unfinished
from include.calls.steps.run_lifecycle import stop_run
from include.clients.storage.local import LocalStorage
from include.common.errors import NotConfigured, QuotaExhausted, StopRun
from simulators.bitrix24.limits import Limits
from tests.kit.small_world import by_sql, statuses, world_of
from tests.kit.state_samples import cut_connections
from tests.kit.whole_export import Export, Outcome, export_over

pytestmark = pytest.mark.postgres

S = RecordStatus
RECORDINGS = 60  # more than one request for links


class FullAfter(LocalStorage):
    """Takes so many recordings, then no more."""

    def __init__(self, root: Path, files: int) -> None:
        super().__init__(root)
        self.left = files

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        self.left -= 1
        if self.left < 0:
            raise NotConfigured("the bucket is gone")
        super().put_file(key, path, content_type)


class TakenOver(LocalStorage):
    """While it stores its first recording, another task takes that recording back."""

    def __init__(self, root: Path, conninfo: str, to: RecordStatus) -> None:
        super().__init__(root)
        self.left, self.conninfo, self.to = 1, conninfo, to

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        super().put_file(key, path, content_type)
        if self.left:
            self.left = 0
            by_sql(self.conninfo, "UPDATE recordings SET status = %s WHERE recording_id = %s", self.to, int(path.name))
            by_sql(self.conninfo, "DELETE FROM work_in_progress WHERE recording_id = %s", int(path.name))


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    with export_over(world_of(RECORDINGS), database, tmp_path / "storage") as export:
        yield in_one_batch(export, downloads_per_task=4)


def in_one_batch(export: Export, **portal: Any) -> Export:
    batches = export.policy.batches.model_copy(update={"min_calls": 2 * RECORDINGS, "max_calls": 2 * RECORDINGS})
    portal_policy = export.policy.portal.model_copy(update=portal)
    export.policy = export.policy.model_copy(update={"batches": batches, "portal": portal_policy})
    return export


def downloaded(export: Export) -> Outcome:
    outcome, (batch,) = export.prepare()
    export.portal.journal.clear()
    export.download(outcome, batch)
    return outcome


def test_as_many_downloads_are_in_flight_as_the_policy_says(export: Export) -> None:
    export.portal.faults.add("download", "delay", times=4, seconds=2)
    outcome = downloaded(export)
    assert statuses(export, outcome.run_id) == {S.DOWNLOADED: RECORDINGS}
    assert export.portal.journal.peak("download") == 4


def test_the_next_links_are_asked_for_during_downloads(export: Export) -> None:
    """Fifty links a request, so a recording costs the portal's rate little more than its one download."""
    export.portal.faults.add("download", "delay", times=-1, seconds=0.05)
    downloaded(export)
    journal = export.portal.journal
    _, second = journal.entries("batch", inner=False)
    of_the_first_links = journal.entries("download")[:50]
    assert second.at < max(entry.finished_at or 0 for entry in of_the_first_links)
    assert len(journal.entries(inner=False)) == RECORDINGS + 2


def test_a_run_stopped_among_downloads_leaves_none_half_done(export: Export, tmp_path: Path) -> None:
    """What had not begun waits again, what was in flight counts, and the next try stores the rest."""
    export.storage = FullAfter(tmp_path / "storage", 10)
    outcome = downloaded(export)
    assert all(isinstance(error, StopRun) for error in outcome.red)
    assert statuses(export, outcome.run_id) == {S.DOWNLOADED: 10, S.PENDING: RECORDINGS - 10}
    assert export.portal.journal.count("download") < RECORDINGS
    assert {row.attempts for row in export.records(outcome.run_id)} == {0}
    export.storage = LocalStorage(tmp_path / "storage")
    again, (batch,) = export.prepare(resume_run_id=str(outcome.run_id))
    export.download(again, batch)
    assert statuses(export, outcome.run_id) == {S.DOWNLOADED: RECORDINGS}


def test_a_stop_reaches_every_download_before_its_next_recording(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another task stops the run: what is being downloaded is finished, nothing more is started."""
    outcome, (batch,) = export.prepare()
    put_file = LocalStorage.put_file

    def stopping(self: LocalStorage, key: str, path: Path, content_type: str) -> None:
        with export.state() as state:
            stop_run(outcome.run_id, QuotaExhausted("the account is empty"), state, stage="transcribe")
        put_file(self, key, path, content_type)

    monkeypatch.setattr(LocalStorage, "put_file", stopping)
    export.download(outcome, batch)
    (red,) = outcome.red
    assert isinstance(red, StopRun)
    assert red.problem == "run_stopped"
    stored = statuses(export, outcome.run_id)[S.DOWNLOADED]
    assert 1 <= stored <= 4
    assert statuses(export, outcome.run_id) == {S.DOWNLOADED: stored, S.PENDING: RECORDINGS - stored}
    assert by_sql(export.conninfo, "SELECT count(*) FROM work_in_progress") == [(0,)]


def test_a_task_asked_to_stop_ends_what_it_downloads_and_hands_back_the_rest(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome, (batch,) = export.prepare()
    stop, put_file = Event(), LocalStorage.put_file

    def stopping(self: LocalStorage, key: str, path: Path, content_type: str) -> None:
        stop.set()
        put_file(self, key, path, content_type)

    monkeypatch.setattr(LocalStorage, "put_file", stopping)
    with export.state() as state, export.client() as telephony, pytest.raises(Unfinished) as caught:
        download_batch(
            outcome.run_id,
            batch,
            telephony=telephony,
            storage=export.storage,
            state=state,
            policy=export.policy,
            fresh=True,
            stop=stop,
        )
    assert caught.value.problem == "handed_back"
    stored = statuses(export, outcome.run_id)[S.DOWNLOADED]
    assert 1 <= stored <= 4
    assert statuses(export, outcome.run_id) == {S.DOWNLOADED: stored, S.PENDING: RECORDINGS - stored}
    assert by_sql(export.conninfo, "SELECT sum(deaths), sum(attempts) FROM recordings") == [(0, 0)]


def test_a_lost_connection_leaves_no_recording_at_work(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL restarts during downloads: what arrived counts, the rest is stored by a try, no task has died."""
    outcome, (batch,) = export.prepare()
    put_file, waiting = LocalStorage.put_file, [lambda: cut_connections(export.conninfo)]

    def losing(self: LocalStorage, key: str, path: Path, content_type: str) -> None:
        if waiting:
            waiting.pop()()
        put_file(self, key, path, content_type)

    monkeypatch.setattr(LocalStorage, "put_file", losing)
    export.download(outcome, batch)
    assert outcome.red == []
    assert outcome.retries <= 1  # none where no statement was on its way
    assert statuses(export, outcome.run_id) == {S.DOWNLOADED: RECORDINGS}
    assert by_sql(export.conninfo, "SELECT sum(deaths), sum(attempts) FROM recordings") == [(0, 0)]
    # The four in flight may not know whether their row was written.
    assert RECORDINGS <= export.portal.journal.count("download") <= RECORDINGS + 4


@pytest.mark.parametrize("taken_to", [S.PENDING, S.MISSING_AUDIO])
def test_only_rows_that_moved_count_and_none_is_left_behind(
    database: str, tmp_path: Path, taken_to: RecordStatus
) -> None:
    """A row put back meanwhile is looked at again by the next try; one that another task has ended is left alone."""
    with export_over(world_of(2), database, tmp_path / "storage") as export:
        in_one_batch(export, downloads_per_task=1)
        outcome, (batch,) = export.prepare()
        storage = TakenOver(tmp_path / "storage", database, taken_to)

        def one_try() -> int:
            with export.state() as state, export.client() as telephony:
                return download_batch(
                    outcome.run_id,
                    batch,
                    telephony=telephony,
                    storage=storage,
                    state=state,
                    policy=export.policy,
                    fresh=False,
                )

        if taken_to is S.PENDING:
            with pytest.raises(Unfinished, match="1 recordings are claimed by another task"):
                one_try()
        assert one_try() == 1
        expected = {S.DOWNLOADED: 2} if taken_to is S.PENDING else {S.DOWNLOADED: 1, taken_to: 1}
        assert statuses(export, outcome.run_id) == expected


def test_the_run_keeps_what_the_portal_counts_for_its_methods(export: Export) -> None:
    """The highest figure of each method, whichever task has seen it; methods that cost nothing are left out."""
    export.portal.limits = Limits(rps=1000, bucket=1000, method_seconds={"disk.file.get": 0.5})
    outcome = downloaded(export)
    [[metadata]] = by_sql(export.conninfo, "SELECT metadata FROM call_exports")
    assert metadata["operating"] == {"disk.file.get": pytest.approx(RECORDINGS * 0.5)}
    with export.state() as state:
        state.runs.note_server_seconds(outcome.run_id, {"disk.file.get": 1.0, "user.get": 2.0})
    [[metadata]] = by_sql(export.conninfo, "SELECT metadata FROM call_exports")
    assert metadata["operating"] == {"disk.file.get": pytest.approx(RECORDINGS * 0.5), "user.get": 2.0}
