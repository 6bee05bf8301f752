"""Pieces from detected speech: lengths, and where a long group is divided."""

from dataclasses import replace

import numpy as np
import pytest

from include.speech.audio.frames import FRAMES_PER_SEC
from include.speech.audio.pieces import ChannelSpeech, CutPolicy, mono_pieces, sent_frames, turns

POLICY = CutPolicy()


def channel(seconds: float, *spoken: tuple[float, float]) -> ChannelSpeech:
    """`spoken`: start and end in seconds."""
    speech = np.zeros(round(seconds * FRAMES_PER_SEC), dtype=np.bool_)
    for start, end in spoken:
        speech[round(start * FRAMES_PER_SEC) : round(end * FRAMES_PER_SEC)] = True
    return ChannelSpeech(speech, np.where(speech, -20, -70).astype(np.float32), 8000, seconds)


def times(found: list) -> list[tuple[float, float]]:
    return [(piece.start + piece.lead_sec, piece.end - piece.tail_sec) for piece in found]


def test_a_piece_with_its_padding_fits_a_window_of_30_seconds() -> None:
    """Whisper decodes a second window for a few tenths of a second."""
    phrases = [(start, start + 0.6) for start in np.arange(0.5, 300, 1.0)]
    pieces = mono_pieces(channel(301, *phrases), POLICY)
    assert all(piece.seconds <= 30 for piece in pieces)
    assert max(piece.seconds for piece in pieces) > 28


def test_a_long_group_is_divided_at_its_longest_late_pause() -> None:
    """Pauses of 0.5 s, and one of 1.2 s that ends 5 s before the limit."""
    spoken = [(start, start + 2.0) for start in np.arange(0, 22.5, 2.5)]
    spoken += [(start, start + 2.0) for start in np.arange(23.2, 45, 2.5)]
    first, *_ = mono_pieces(channel(50, *spoken), POLICY)
    assert first.end - first.tail_sec == pytest.approx(22, abs=0.1)


def test_an_early_pause_does_not_divide_a_group() -> None:
    spoken = [(0, 8.0), (10, 19), (19.5, 27), (27.5, 40)]
    first, *_ = mono_pieces(channel(50, *spoken), POLICY)
    assert first.end - first.tail_sec == pytest.approx(27, abs=0.1)


def test_a_fragment_waits_for_its_nearer_neighbour() -> None:
    """The other side speaks between; a piece with 0.2 s of speech is not understood alone."""
    left = channel(30, (2, 4), (6, 6.2), (8.5, 10))
    right = channel(30, (4.5, 5.5), (6.5, 8))
    assert times(turns(0, left, right, POLICY)) == [
        pytest.approx((2, 6.2), abs=0.05),
        pytest.approx((8.5, 10), abs=0.05),
    ]


def test_a_fragment_far_from_others_is_sent_alone() -> None:
    left, right = channel(30, (2, 4), (12, 12.2)), channel(30, (5, 9))
    assert len(turns(0, left, right, POLICY)) == 2


def test_a_fragment_does_not_exceed_the_target() -> None:
    left, right = channel(60, (2, 31), (32.5, 32.7)), channel(60, (31.2, 32.4))
    assert len(turns(0, left, right, POLICY)) == 2


def test_what_is_sent_in_any_case_is_inside_the_pieces() -> None:
    one = channel(40, (2, 4), (4.2, 6), (20, 20.05), (30, 33))
    sent = sent_frames(one.speech, POLICY)
    inside = np.zeros_like(sent)
    for piece in mono_pieces(one, replace(POLICY, mono_gap_sec=1.0)):
        inside[round(piece.start * FRAMES_PER_SEC) : round(piece.end * FRAMES_PER_SEC)] = True
    assert not (sent & ~inside).any()
    assert sent[round(2 * FRAMES_PER_SEC) : round(6 * FRAMES_PER_SEC)].all()
    assert not sent[round(20 * FRAMES_PER_SEC)], "a click"
