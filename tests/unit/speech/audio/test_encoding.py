from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from include.speech.audio.cutting import cut
from include.speech.audio.encoding import encoded_pieces
from include.speech.audio.pieces import CutPolicy
from include.speech.audio.probing import probe
from include.speech.cuts import AudioInfo, ChannelLayout, Cut, Piece, UploadFormat
from tests.unit.speech.audio.synth import RATE, as_samples, decoded, on_line, voice, wav


@pytest.mark.parametrize("upload_format", ["flac", "wav"])
def test_a_piece_holds_its_samples_exactly(tmp_path: Path, upload_format: UploadFormat) -> None:
    left, right = on_line(70, (1, voice(2)), (33, voice(20, seed=2))), on_line(70, (29, voice(3, seed=1)))
    path = wav(tmp_path / "a.wav", left, right)
    found = cut(path, CutPolicy())
    source = as_samples(left, right)
    seen = []
    with encoded_pieces(path, found, upload_format, folder=tmp_path) as files:
        for piece, file in files:
            seen.append(piece)
            assert probe(file).container == upload_format
            expected = source[round(piece.start * RATE) : round(piece.end * RATE), piece.channel]
            assert found.gains[piece.channel or 0] == pytest.approx(1.0, abs=0.5)
            amplified = np.clip(expected * np.float32(found.gains[piece.channel or 0]), -32768, 32767).astype(np.int16)
            assert np.array_equal(decoded(file), amplified)
    assert sorted(seen, key=found.pieces.index) == list(found.pieces)


def test_seams_put_together_are_the_whole(tmp_path: Path) -> None:
    sound = voice(65)
    path = wav(tmp_path / "a.wav", sound)
    with encoded_pieces(path, _whole(65, [0, 12.345, 29.999, 30, 59.01, 65]), "flac", folder=tmp_path) as files:
        parts = [decoded(file) for _, file in files]
    # the piece of 1 ms is padded with silence: take its own 8 samples
    parts = [part[:8] if len(part) == RATE // 4 else part for part in parts]
    assert np.array_equal(np.concatenate(parts), as_samples(sound)[:, 0])


def test_only_one_file_is_on_disk_and_none_is_left(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", voice(40))
    folder = tmp_path / "pieces"
    folder.mkdir()
    with encoded_pieces(path, _whole(40, [0, 5, 10, 20, 40]), "flac", folder=folder) as files:
        for _, file in files:
            assert list(folder.iterdir()) == [file]
    assert list(folder.iterdir()) == []
    with encoded_pieces(path, _whole(40, [0, 5, 40]), "flac", folder=folder) as files:
        next(files)
    assert list(folder.iterdir()) == [], "abandoned in the middle"


def test_known_pieces_are_not_encoded_again(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", voice(20))
    whole = _whole(20, [0, 5, 20])
    with encoded_pieces(path, whole, "flac", folder=tmp_path, skip={"m-0-5000-flac"}) as files:
        assert [piece for piece, _ in files] == [whole.pieces[1]]


def test_a_short_piece_is_padded(tmp_path: Path) -> None:
    """The services refuse less than 0.1 s."""
    path = wav(tmp_path / "a.wav", voice(1))
    with encoded_pieces(path, _whole(1, [0, 0.05]), "wav", folder=tmp_path) as files:
        assert [probe(file).seconds for _, file in files] == [0.25]


def test_a_quiet_channel_is_amplified(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", on_line(6, (1, voice(4, dbfs=-50)), noise_dbfs=-85))
    found = cut(path, CutPolicy())
    with encoded_pieces(path, found, "flac", folder=tmp_path) as files:
        levels = [20 * np.log10(np.sqrt(np.mean((decoded(file) / 32768) ** 2))) for _, file in files]
    assert levels
    assert all(-32 < level < -18 for level in levels)


def _whole(seconds: float, edges: list[float]) -> Cut:
    pieces = tuple(Piece(None, start, end, end - start) for start, end in pairwise(edges))
    return Cut(AudioInfo("wav", "pcm_s16le", 1, RATE, seconds), ChannelLayout.MONO, pieces, (1.0,), 0)
