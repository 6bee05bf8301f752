"""Tasks killed at every seam, runs that overlap, runs resumed: each recording once, no file half-written."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.steps.outcome import Unfinished
from simulators.bitrix24.seeded import brief, seeded_world
from tests.kit.export_under_faults import calls, kept_outside
from tests.kit.export_under_faults import world_of as portal_of
from tests.kit.killed_worker import kill_in
from tests.kit.small_world import asked, bought, by_sql, downloaded, statuses, world_of
from tests.kit.whole_export import Export, Outcome, export_over

pytestmark = pytest.mark.postgres

S = RecordStatus
MOVES, RESPONSES = "include.calls.state.moves:Moves", "include.calls.state.stored_responses:Responses"
TEXTS, STORAGE = "include.calls.state.stored_transcripts:Transcripts", "include.clients.storage.local:LocalStorage"


@pytest.fixture
def export(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Export]:
    """Its tasks, those in processes of their own too, have one temporary folder of their machine."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with export_over(world_of(2), database, tmp_path / "storage") as export:
        yield export


def texts_and_audio(export: Export) -> dict[str, bytes]:
    keys = [key for kind in ("raw", "transcripts", "recognition") for key in export.storage.keys(f"{kind}/")]
    return {key: export.storage.get_bytes(key) for key in keys}


def only_whole_files(export: Export) -> None:
    """All visible files are complete: audio as the portal has it, JSON that parses, texts down to their last line."""
    recordings = {file.audio.read() for file in export.portal.world.files.values()}
    for key, content in texts_and_audio(export).items():
        if key.startswith("raw/"):
            assert content in recordings
        elif key.startswith("recognition/"):
            json.loads(content)
        else:
            assert "\n---\n[00:00:" in content.decode()
            assert content.endswith(b"\n")


def texts_bought(export: Export) -> int:
    """Texts in the database, over all runs."""
    ((count,),) = by_sql(export.conninfo, "SELECT count(*) FROM transcripts")
    return int(count)


@pytest.mark.long
class TestKilledWorker:
    """SIGKILL, no clean-up of any kind; then the same task once more, as Airflow would start it."""

    @pytest.mark.parametrize(
        ("stage", "point", "when", "key", "paid_twice"),
        [
            ("download", f"{STORAGE}.put_file", "before", "call-1", 0),
            ("download", f"{STORAGE}.put_file", "after", "call-1", 0),
            ("download", f"{MOVES}.move", "after", "'downloaded'", 0),
            ("transcribe", "include.speech.recognition_client:Recogniser.recognise", "after", "", 1),
            ("transcribe", f"{RESPONSES}.keep", "after", "", 0),
            ("transcribe", f"{STORAGE}.put_bytes", "after", "recognition/", 0),
            ("transcribe", f"{STORAGE}.put_bytes", "after", "transcripts/", 0),
            ("transcribe", f"{TEXTS}.keep", "after", "", 0),
            ("transcribe", f"{MOVES}.move", "after", "'completed'", 0),
            ("transcribe", f"{RESPONSES}.forget", "before", "", 0),
            ("transcribe", f"{RESPONSES}.forget", "after", "", 0),
        ],
        ids=[
            "before the audio is stored",
            "audio stored, row not",
            "between two downloads",
            "response came, not kept",
            "response kept, no file",
            "between two files",
            "files, no row",
            "text row, not committed",
            "recording moved, not committed",
            "before forgetting the responses",
            "all statements, not committed",
        ],
    )
    def test_the_next_one_goes_on_from_there(
        self, export: Export, tmp_path: Path, stage: str, point: str, when: str, key: str, paid_twice: int
    ) -> None:
        export.workers = 1  # or another recording's request may be under way
        outcome, batches = export.prepare()
        if stage == "transcribe":
            export.download(outcome, batches[0])
        kill_in(export, outcome, stage, point, when, key, tmp_path)
        only_whole_files(export)
        export.work(outcome, batches, fresh=False)
        export.close(outcome)
        assert list((tmp_path / "tmp").iterdir()) == [], "the killed task's recordings"
        assert outcome.red == []
        assert outcome.verdict.status is RunStatus.COMPLETED
        assert statuses(export, outcome.run_id) == {S.COMPLETED: 2}
        assert bought(export) == 2 + paid_twice
        assert len(texts_and_audio(export)) == 2 * 3
        only_whole_files(export)
        assert by_sql(export.conninfo, "SELECT count(*) FROM recognition_responses") == [(0,)], "no text is kept twice"

    def test_a_kill_costs_the_request_of_another_recording_at_most(self, export: Export, tmp_path: Path) -> None:
        outcome, batches = export.prepare()
        export.download(outcome, batches[0])
        kill_in(export, outcome, "transcribe", f"{STORAGE}.put_bytes", "after", "recognition/", tmp_path)
        export.work(outcome, batches, fresh=False)
        export.close(outcome)
        assert outcome.verdict.status is RunStatus.COMPLETED
        assert 2 <= bought(export) <= 3

    def test_a_run_left_in_the_middle_is_resumed_by_another(self, export: Export, tmp_path: Path) -> None:
        """Not the task but the whole DAG run is gone: a new one with resume_run_id takes over."""
        export.workers = 1
        outcome, (batch,) = export.prepare()
        export.download(outcome, batch)
        kill_in(export, outcome, "transcribe", f"{STORAGE}.put_bytes", "after", "transcripts/", tmp_path)
        resumed = export.run(resume_run_id=str(outcome.run_id))
        assert resumed.run_id == outcome.run_id
        assert resumed.verdict.status is RunStatus.COMPLETED
        assert (downloaded(export), bought(export)) == (2, 2)


class TestAgain:
    def test_a_complete_period_run_again_gives_the_same_files(self, database: str, tmp_path: Path) -> None:
        world = seeded_world(3, datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 3, tzinfo=UTC), 20, brief())
        with export_over(world, database, tmp_path / "storage") as export:
            first = export.run()
            before = (downloaded(export), asked(export))
            files, registry = texts_and_audio(export), export.registry()
            second = export.run()
            assert second.verdict.status is RunStatus.COMPLETED
            assert (downloaded(export), asked(export)) == before
            assert texts_and_audio(export) == files
            assert export.registry() == registry.replace(str(first.run_id), str(second.run_id))

    def test_a_portal_under_another_address_sells_nothing_twice(self, database: str, tmp_path: Path) -> None:
        """The company renames its portal. Its statistics rows are known: the same portal with one address more."""
        world = portal_of(*calls(1), kept_outside(7))
        with export_over(world, database, tmp_path / "storage") as export:
            first, before = export.run(), export.portal_url
            rows = export.records(first.run_id)
        with export_over(world, database, tmp_path / "storage") as renamed:
            assert renamed.portal_url != before
            again = renamed.run(dag_run_id="renamed__1")
            assert again.verdict.status is RunStatus.COMPLETED
            assert (downloaded(renamed), asked(renamed)) == (0, 0)
            assert renamed.records(again.run_id) == rows
        assert by_sql(database, "SELECT count(*) FROM portals") == [(1,)]
        assert by_sql(database, "SELECT count(*) FROM portal_hosts") == [(2,)]

    def test_a_renamed_portal_is_recognised_by_a_run_over_other_days(self, database: str, tmp_path: Path) -> None:
        """Its first run under the new address lists no known call, a later one lists them all: nothing is bought."""
        with export_over(world_of(2), database, tmp_path / "storage") as export:
            export.run()
        with export_over(world_of(2), database, tmp_path / "storage") as renamed:
            renamed.run(dag_run_id="renamed__1", period_from="2025-08-02", period_to="2025-08-02")
            again = renamed.run(dag_run_id="renamed__2")
            assert statuses(renamed, again.run_id) == {S.COMPLETED: 2}
            assert (downloaded(renamed), asked(renamed)) == (0, 0)

    def test_two_portals_with_equal_call_ids_share_nothing(self, database: str, tmp_path: Path) -> None:
        """Equal statistics rows and CALL_IDs, other calls: each portal has rows, files and texts of its own."""
        worlds = [world_of(2), world_of(2, first=datetime(2025, 8, 2, 9, tzinfo=UTC))]
        for call in worlds[1].calls.values():
            call.id += 100  # numbers of its own: one portal never has another portal's rows
        worlds[1].calls = {call.id: call for call in worlds[1].calls.values()}
        runs = []
        for number, world in enumerate(worlds):
            with export_over(world, database, tmp_path / "storage") as export:
                runs.append(export.run(dag_run_id=f"portal__{number}"))
                assert runs[-1].verdict.status is RunStatus.COMPLETED
                assert (downloaded(export), bought(export)) == (2, 2)
        first, second = (export.records(run.run_id) for run in runs)
        assert [row.call_id for row in first] == [row.call_id for row in second] == ["call-1", "call-2"]
        assert [row.file_name for row in first] == ["call_call-1", "call_call-2"]
        assert [row.file_name for row in second] == ["call_call-1_at2", "call_call-2_at2"]
        for row in [*first, *second]:
            assert export.storage.get_bytes(str(row.transcript_path)).decode().startswith(f"CALL_ID: {row.call_id}\n")
        assert len(texts_and_audio(export)) == 4 * 3
        registries = [key for key in export.storage.keys("exports/") if key.endswith(".csv")]
        assert len(registries) == 2, "neither portal's registry replaces the other's"


class TestOverlappingRuns:
    """Two runs whose periods share calls, at the same moment."""

    def run_together(self, export: Export, *periods: tuple[str, str]) -> list[Outcome]:
        together, outcomes = threading.Barrier(len(periods)), []

        def run(number: int, period: tuple[str, str]) -> None:
            outcome, batches = export.prepare(
                dag_run_id=f"overlap__{number}", period_from=period[0], period_to=period[1]
            )
            together.wait(30)
            export.work(outcome, batches)
            outcomes.append(export.close(outcome))

        threads = [threading.Thread(target=run, args=given) for given in enumerate(periods)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outcomes

    @pytest.mark.parametrize(
        "periods",
        [
            (("2025-08-01", "2025-08-02"), ("2025-08-01", "2025-08-02")),
            (("2025-07-31", "2025-08-01"), ("2025-08-01", "2025-08-02")),
        ],
        ids=["the same period", "one day in common"],
    )
    def test_no_recording_is_downloaded_or_recognised_twice(
        self, database: str, tmp_path: Path, periods: tuple[tuple[str, str], ...]
    ) -> None:
        """What one run does the other one reports; each registry is whole at the end."""
        with export_over(world_of(6), database, tmp_path / "storage") as export:
            export.recogniser.latency_per_minute, export.pause = 3.0, 0.1
            outcomes = self.run_together(export, *periods)
            assert len(outcomes) == len(periods)
            for outcome in outcomes:
                assert outcome.red == []
                assert statuses(export, outcome.run_id) == {S.COMPLETED: 6}
                for row in export.records(outcome.run_id):
                    assert export.storage.exists(str(row.transcript_path))
            assert downloaded(export) == 6
            assert bought(export) == asked(export) == 6
            assert sum(outcome.retries for outcome in outcomes) > 0, "one run waited for the other"
            assert texts_bought(export) == 6
            assert len(texts_and_audio(export)) == 6 * 3
            for key in [key for key in export.storage.keys("exports/") if key.endswith(".csv")]:
                lines = export.storage.get_bytes(key).decode("utf-8-sig").splitlines()
                assert len(lines) == 1 + 6

    def test_a_recording_of_another_run_is_named_with_its_run(self, export: Export) -> None:
        """The task that waits says for which run, which stage and since when."""
        one, (batch,) = export.prepare(dag_run_id="overlap__0")
        other, (others,) = export.prepare(dag_run_id="overlap__1")
        with export.state() as state:
            (row, _) = state.work.batch(one.run_id, batch, {S.PENDING})
            with state.claims.hold(row.portal_id, row.call_id) as claim:
                assert claim
                assert state.moves.take(
                    one.run_id, row.recording_id, S.DOWNLOADING, stage="download", owner=claim.owner
                )
                with pytest.raises(Unfinished) as caught:
                    export.fetch_again(other, others)
        assert f"claimed by run {one.run_id} (download, since " in str(caught.value)
        assert str(caught.value).endswith(": call-1")
        assert caught.value.retry_after is not None
        assert downloaded(export) == 1, "the other recording did not wait"

    def test_what_a_dead_task_of_another_run_left_is_taken_over(self, export: Export, tmp_path: Path) -> None:
        """The claim on the call is free, so its task is dead, whichever run it belonged to."""
        export.workers = 1
        dead, (batch,) = export.prepare(dag_run_id="overlap__0")
        export.download(dead, batch)
        kill_in(export, dead, "transcribe", f"{STORAGE}.put_bytes", "after", "transcripts/", tmp_path)
        living = export.run(dag_run_id="overlap__1")
        assert (living.red, statuses(export, living.run_id)) == ([], {S.COMPLETED: 2})
        assert (downloaded(export), bought(export)) == (2, 2)
        ((detail,),) = by_sql(
            export.conninfo, "SELECT detail FROM call_events WHERE event = 'downloaded' AND detail ->> 'deaths' = '1'"
        )
        assert (detail["held_by"], detail["why"]) == (str(dead.run_id), "the task died")


class TestResume:
    def test_batches_of_a_resume_in_mid_run_are_new(self, export: Export) -> None:
        """Resumed while its first DAG run still works: the two share no batch number and download nothing twice."""
        first, (old,) = export.prepare()
        resumed, (new,) = export.prepare(resume_run_id=str(first.run_id))
        assert resumed.run_id == first.run_id
        assert new > old
        export.work(first, [old])
        export.work(resumed, [new])
        assert export.close(resumed).verdict.status is RunStatus.COMPLETED
        assert (downloaded(export), bought(export)) == (2, 2)

    def test_a_text_sent_back_is_bought_once_by_either_run(self, export: Export) -> None:
        """Sent back in run A; night B comes before A is resumed: three purchases for two calls in all, not four."""
        first = export.run()
        by_sql(export.conninfo, BY_HAND, "call-2", first.run_id)
        night = export.run()
        resumed = export.run(resume_run_id=str(first.run_id))
        assert [run.verdict.status for run in (night, resumed)] == [RunStatus.COMPLETED] * 2
        assert bought(export) == 3
        purchases = by_sql(export.conninfo, "SELECT recording_id, purchase_no FROM charges WHERE unit = 'second'")
        assert len(set(purchases)) == 3


BY_HAND = (
    "UPDATE call_records SET status = 'pending', error_message = NULL, retry_count = retry_count + 1"
    " WHERE call_id = %s AND run_id = %s"
)
