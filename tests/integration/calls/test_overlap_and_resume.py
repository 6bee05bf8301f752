"""Workers killed at every seam, runs that overlap, runs taken up again: each recording once, nothing half-written."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from simulators.bitrix24.seeded import brief, seeded_world
from tests.kit.export_under_faults import calls, kept_outside
from tests.kit.export_under_faults import world_of as portal_of
from tests.kit.paths import ROOT
from tests.kit.small_world import asked, bought, by_sql, downloaded, statuses, world_of
from tests.kit.whole_export import Export, Outcome, export_over

pytestmark = pytest.mark.postgres

S = RecordStatus
STATE, STORAGE = "include.calls.state.state:State", "include.clients.storage.local:LocalStorage"


@pytest.fixture
def export(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Export]:
    """Its tasks, those in processes of their own too, have one temporary folder of their machine."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with export_over(world_of(2), database, tmp_path / "storage") as export:
        yield export


def kill_in(export: Export, outcome: Outcome, stage: str, point: str, when: str, key: str, folder: Path) -> None:
    """Runs the stage in a process that dies there."""
    told = {
        "portal_url": export.portal_url,
        "recogniser_url": export.recogniser_url,
        "conninfo": export.conninfo,
        "storage": str(folder / "storage"),
        "run_id": str(outcome.run_id),
        "batch": "1",
        "stage": stage,
        "point": point,
        "when": when,
        "key": key,
        "in_hand": str(export.in_hand),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "tests.kit.killed_worker", json.dumps(told)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        timeout=60,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


def texts_and_audio(export: Export) -> dict[str, bytes]:
    wanted = ("/raw/", "/transcripts/", "/recognition/")
    keys = [key for key in export.storage.keys("") if any(part in key for part in wanted)]
    return {key: export.storage.get_bytes(key) for key in keys}


def only_whole_files(export: Export) -> None:
    """Whatever can be seen is complete: audio as the portal has it, JSON that parses, texts down to their last line."""
    recordings = {file.audio.read() for file in export.portal.world.files.values()}
    for key, content in texts_and_audio(export).items():
        if "/raw/" in key:
            assert content in recordings
        elif "/recognition/" in key:
            json.loads(content)
        else:
            assert "\n---\n[00:00:" in content.decode()
            assert content.endswith(b"\n")


class TestKilledWorker:
    """SIGKILL, no clean-up of any kind; then the same task once more, as Airflow would start it (D19)."""

    @pytest.mark.parametrize(
        ("stage", "point", "when", "key", "paid_twice"),
        [
            ("download", f"{STORAGE}.put_file", "before", "call-1", 0),
            ("download", f"{STORAGE}.put_file", "after", "call-1", 0),
            ("download", f"{STATE}.move_record", "after", "'downloaded'", 0),
            ("transcribe", "include.speech.recognition_client:Recogniser.recognise", "after", "", 1),
            ("transcribe", f"{STATE}.save_answer", "after", "", 0),
            ("transcribe", f"{STORAGE}.put_bytes", "after", "/recognition/", 0),
            ("transcribe", f"{STORAGE}.put_bytes", "after", "/transcripts/", 0),
            ("transcribe", f"{STATE}.move_record", "after", "'completed'", 0),
            ("transcribe", f"{STATE}.forget_answers", "before", "", 0),
        ],
        ids=[
            "before the audio is stored",
            "audio stored, row not",
            "between two downloads",
            "answered, answer not kept",
            "answer kept, no file",
            "between two files",
            "files, no row",
            "row, answer still kept",
            "before forgetting the answer",
        ],
    )
    def test_the_next_one_goes_on_from_there(
        self, export: Export, tmp_path: Path, stage: str, point: str, when: str, key: str, paid_twice: int
    ) -> None:
        export.in_hand = 1  # or another recording's request may be under way
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

    def test_with_another_recording_in_hand_a_kill_costs_its_request_at_most(
        self, export: Export, tmp_path: Path
    ) -> None:
        outcome, batches = export.prepare()
        export.download(outcome, batches[0])
        kill_in(export, outcome, "transcribe", f"{STORAGE}.put_bytes", "after", "/recognition/", tmp_path)
        export.work(outcome, batches, fresh=False)
        export.close(outcome)
        assert outcome.verdict.status is RunStatus.COMPLETED
        assert 2 <= bought(export) <= 3

    def test_a_run_left_in_the_middle_is_resumed_by_another(self, export: Export, tmp_path: Path) -> None:
        """Not the task but the whole DAG run is gone: a new one with resume_run_id takes over."""
        export.in_hand = 1
        outcome, (batch,) = export.prepare()
        export.download(outcome, batch)
        kill_in(export, outcome, "transcribe", f"{STORAGE}.put_bytes", "after", "/transcripts/", tmp_path)
        resumed = export.run(resume_run_id=str(outcome.run_id))
        assert resumed.run_id == outcome.run_id
        assert resumed.verdict.status is RunStatus.COMPLETED
        assert (downloaded(export), bought(export)) == (2, 2)


class TestAgain:
    def test_a_complete_period_run_again_costs_nothing_and_gives_the_same_files(
        self, database: str, tmp_path: Path
    ) -> None:
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
        """The company renames its portal; recordings known by their link only get new names by that."""
        world = portal_of(*calls(1), kept_outside(7))
        with export_over(world, database, tmp_path / "storage") as export:
            first, before = export.run(), export.portal_url
            texts = {row.statistics_id: row.transcript_path for row in export.records(first.run_id)}
        with export_over(world, database, tmp_path / "storage") as renamed:
            assert renamed.portal_url != before
            again = renamed.run(dag_run_id="renamed__1")
            assert again.verdict.status is RunStatus.COMPLETED
            assert (downloaded(renamed), asked(renamed)) == (0, 0)
            rows = renamed.records(again.run_id)
            assert {row.statistics_id: row.transcript_path for row in rows} == texts
            names = [{row.record_id for row in renamed.records(run.run_id)} for run in (first, again)]
            assert len(names[0] & names[1]) == 1, "the one with a file id; the other's link has changed"


class TestOverlappingRuns:
    """Two runs whose periods share calls, at the same moment (D4)."""

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
    def test_no_recording_is_recognised_twice(
        self, database: str, tmp_path: Path, periods: tuple[tuple[str, str], ...]
    ) -> None:
        with export_over(world_of(6), database, tmp_path / "storage") as export:
            export.recogniser.latency_per_minute, export.pause = 3.0, 0.1
            outcomes = self.run_together(export, *periods)
            assert len(outcomes) == len(periods)
            for outcome in outcomes:
                assert outcome.red == []
                assert statuses(export, outcome.run_id) == {S.COMPLETED: 6}
                for row in export.records(outcome.run_id):
                    assert export.storage.exists(str(row.transcript_path))
            assert bought(export) == asked(export) == 6
            assert sum(outcome.retries for outcome in outcomes) > 0, "one run waited for the other"
            (spent,) = by_sql(database, "SELECT count(*) FROM call_records WHERE reused_from_run_id IS NULL")
            assert spent == (6,)
