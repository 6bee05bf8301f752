"""Real recordings in noise: speech is sent whatever sounds beside it, and noise alone is not sent.

The quick cases take seconds; `HEARING=full` runs all of them on all recordings. Bars: of the speech at most 1 % is not
sent, 3 % at 8 dB, 6 % of one recording; of noise alone at most 3 % is sent.
"""

import os
from pathlib import Path

import pytest

from simulators.sound import noises
from tests.hearing.noise_cases import ALONE, CASES, NAMES, QUICK, RECORDINGS, result, sent_alone

pytestmark = [
    pytest.mark.real_recordings,
    pytest.mark.skipif(not RECORDINGS.is_dir(), reason="../shared/data/audio is not there"),
]
full = pytest.mark.skipif(os.environ.get("HEARING") != "full", reason="takes about 15 minutes: HEARING=full")
MOST_LOST, MOST_LOST_AT_8_DB, MOST_LOST_OF_ONE, MOST_ALONE, MOST_SENT_CLEAN = 0.01, 0.03, 0.06, 0.03, 1.5


def check(case: str, names: tuple[str, ...], folder: Path) -> None:
    found = [result(name, case, folder) for name in names]
    bar = MOST_LOST_AT_8_DB if case.endswith(", 8 dB") else MOST_LOST
    assert sum(one.lost for one in found) <= bar * sum(one.speech for one in found)
    assert all(one.lost <= MOST_LOST_OF_ONE * one.speech for one in found)


@pytest.mark.parametrize("case", ["hum, 8 dB", "fans, 8 dB", "drums, 8 dB", "struck, 8 dB", "white, 14 dB"])
def test_speech_in_noise_is_sent(tmp_path: Path, case: str) -> None:
    check(case, QUICK, tmp_path)


@full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", list(CASES))
def test_speech_is_sent_in_every_case(tmp_path: Path, case: str) -> None:
    check(case, NAMES, tmp_path)


@pytest.mark.parametrize("noise", [noises.drums, noises.busy], ids=lambda noise: noise.__name__)
def test_noise_alone_is_not_sent(tmp_path: Path, noise: noises.Noise) -> None:
    assert sent_alone(noise, tmp_path, seconds=30) <= MOST_ALONE


@full
@pytest.mark.parametrize("noise", ALONE, ids=lambda noise: noise.__name__)
def test_every_noise_alone_is_not_sent(tmp_path: Path, noise: noises.Noise) -> None:
    assert sent_alone(noise, tmp_path) <= MOST_ALONE


@full
def test_clean_recordings_are_sent_with_little_else(tmp_path: Path) -> None:
    found = [result(name, "", tmp_path) for name in NAMES]
    assert sum(one.sent for one in found) <= MOST_SENT_CLEAN * sum(one.speech for one in found)
    assert sum(one.lost for one in found) <= 0.001 * sum(one.speech for one in found)
