"""The whole export over recordings that nobody on this project made."""

from datetime import UTC, datetime
from pathlib import Path

import av
import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from simulators.bitrix24.seeded import from_folder, seeded_world
from simulators.bitrix24.world import Audio, PortalWorld
from tests.kit.paths import SHARED_DATA
from tests.kit.whole_export import export_over

FOLDER = SHARED_DATA / "audio"
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.real_recordings,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/data/audio is not there"),
]
START, END = datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 3, tzinfo=UTC)
CALLS = 24  # enough for each file of the folder to be some call's recording


def decoded_seconds(path: Path) -> float:
    """The length that is heard: every frame decoded, no header believed."""
    with av.open(str(path)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


def audio_of(world: PortalWorld) -> dict[int, Audio]:
    """The recording of each statistics row that has one."""
    return {
        call.id: world.files[call.file_id].audio if call.file_id else world.storage[call.storage_path]
        for call in world.calls.values()
        if call.file_id or call.storage_path
    }


def test_every_real_recording_gets_a_text_and_its_true_length(database, tmp_path):
    world = seeded_world(3, START, END, CALLS, from_folder(FOLDER))
    recordings = audio_of(world)
    files = {path.read_bytes(): path for path in FOLDER.iterdir()}
    usable = {path for path in files.values() if not path.name.startswith("bad_")}
    assert {files[audio.read()] for audio in recordings.values()} == usable
    with export_over(world, database, tmp_path / "storage") as export:
        outcome = export.run()
        assert (outcome.verdict.status, outcome.red) == (RunStatus.COMPLETED, [])
        records = export.records(outcome.run_id, RecordStatus.COMPLETED)
        assert {record.statistics_id for record in records} == set(recordings)
        for record in records:
            path = files[recordings[record.statistics_id].read()]
            assert float(record.audio_sec) == pytest.approx(decoded_seconds(path), abs=0.06), path.name
            assert record.raw_path.endswith(path.suffix)
            assert "[симуляция]" in export.storage.get_bytes(record.transcript_path).decode(), path.name
