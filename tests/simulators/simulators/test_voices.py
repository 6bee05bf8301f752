"""Recordings that a person can listen to, and the worlds made of them."""

import io
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest

from simulators.bitrix24.seeded import brief, from_folder, seeded_world, spoken
from simulators.sound import synthesis
from simulators.sound.dialogues import CLIENTS, OPERATORS, compose, perform, record, record_briefly
from simulators.sound.encoding import encode
from simulators.sound.synthesis import RATE, Voice, say

START, END = datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 3, tzinfo=UTC)


def decoded(data: bytes) -> tuple[str, int, np.ndarray]:
    """(codec, channels, samples of shape (channels, length))."""
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="s16p", rate=RATE)
        parts = [part.to_ndarray() for frame in container.decode(stream) for part in resampler.resample(frame)]
        return stream.codec_context.name, stream.codec_context.channels, np.concatenate(parts, axis=1)


def test_speech_has_sound_and_a_plausible_length() -> None:
    speech = say("Здравствуйте, чем могу помочь?", Voice())
    assert 1.0 < len(speech) / RATE < 4.0
    assert np.sqrt(np.mean(speech.astype(float) ** 2)) > 500


def test_threads_that_speak_first_at_once_share_one_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library has one state: begun twice at once, it ends the simulator with a segmentation fault."""
    begun: list[object] = []

    @cache
    def made() -> object:
        begun.append(object())
        time.sleep(0.2)
        return begun[-1]

    monkeypatch.setattr(synthesis, "_only_synthesiser", made)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: synthesis._synthesiser(), range(4)))
    assert len(begun) == 1
    assert found == begun * 4


def test_voices_differ() -> None:
    assert not np.array_equal(say("Добрый день", OPERATORS[0]), say("Добрый день", CLIENTS[0]))


def test_a_voice_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValueError, match="no voice"):
        say("Добрый день", Voice("nobody"))


def test_turns_alternate_and_channels_never_overlap() -> None:
    """The operator is on the left, the client on the right; one is silent while the other speaks."""
    turns = compose(random.Random(1), 25)
    assert [turn.speaker for turn in turns] == [number % 2 for number in range(len(turns))]
    channels = perform(turns, (OPERATORS[0], CLIENTS[0]), random.Random(1))
    assert np.any(channels[0])
    assert np.any(channels[1])
    assert not np.any(channels[0] & (channels[1] != 0))


@pytest.mark.parametrize(("extension", "codec"), [("mp3", "mp3float"), ("wav", "pcm_s16le"), ("ogg", "opus")])
@pytest.mark.parametrize("stereo", [True, False])
def test_recordings_have_the_requested_form(extension: str, codec: str, stereo: bool) -> None:
    name, channels, samples = decoded(record(1, seconds=12, extension=extension, stereo=stereo))
    assert (name, channels) == (codec, 2 if stereo else 1)
    assert 5 < samples.shape[1] / RATE < 20
    assert np.abs(samples).max() > 1000


def test_one_seed_is_one_recording_and_two_seeds_are_two() -> None:
    assert record(1, seconds=10, extension="ogg") == record(1, seconds=10, extension="ogg")
    assert record_briefly(1) == record_briefly(1)
    assert len({record_briefly(seed) for seed in range(40)}) == 40


def test_stereo_survives_encoding() -> None:
    left = say("Добрый день", OPERATORS[0])
    _, _, samples = decoded(encode(np.stack([left, np.zeros_like(left)]), "mp3"))
    assert np.abs(samples[0]).max() > 20 * np.abs(samples[1]).max()


def test_one_seed_is_one_world() -> None:
    """It contains every kind of call."""
    world, again = (seeded_world(7, START, END, 60, brief()) for _ in range(2))
    assert world.calls == again.calls
    calls = list(world.calls.values())
    assert all(START <= call.started_at <= END for call in calls)
    by_call = Counter(call.call_id for call in calls)
    transferred = [[call for call in calls if call.call_id == key] for key, number in by_call.items() if number > 1]
    assert len(by_call) == 60
    assert transferred
    assert all(len({call.file_id for call in rows}) == len(rows) for rows in transferred)
    assert {"200", "304", "603-S"} == {call.failed_code for call in calls}
    assert any(call.storage_path and call.file_id is None for call in calls)
    assert any(call.failed_code == "200" and not call.storage_path and not call.file_id for call in calls)
    assert any(not call.phone_number.startswith("+") for call in calls)
    assert seeded_world(8, START, END, 60, brief()).calls != world.calls


def test_spoken_worlds_use_three_containers() -> None:
    world = seeded_world(7, START, END, 40, spoken())
    assert {file.audio.extension for file in world.files.values()} == {"mp3", "wav", "ogg"}


def test_a_folder_of_recordings_is_served_in_turn(tmp_path: Path) -> None:
    """What is no audio is left out; a folder with nothing usable is refused."""
    (tmp_path / "a.mp3").write_bytes(record_briefly(1))
    (tmp_path / "b.wav").write_bytes(encode(say("Добрый день", Voice()), "wav"))
    (tmp_path / "broken.wav").write_bytes(bytes(1000))
    (tmp_path / "notes.txt").write_text("no audio")
    make = from_folder(tmp_path)
    assert [make(0, 1.0, False).extension for _ in range(3)] == ["mp3", "wav", "mp3"]
    assert make(0, 1.0, False).read() == (tmp_path / "b.wav").read_bytes()
    (tmp_path / "a.mp3").unlink()
    (tmp_path / "b.wav").unlink()
    with pytest.raises(ValueError, match="no usable"):
        from_folder(tmp_path)
