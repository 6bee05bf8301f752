"""Divides detected speech into pieces: rules on frames, without samples."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from include.speech.audio.voice import FRAME_MS, FRAMES_PER_SEC, PAUSE_SEC, Bools, Floats, closed, runs
from include.speech.cuts import Piece
from include.speech.model_profiles import SttProfile

Stretch = tuple[int, int]  # frames, end exclusive


@dataclass(frozen=True, slots=True)
class CutPolicy:
    """Every parameter of the cut; seconds, and bytes of raw 16-bit samples."""

    pause_sec: float = PAUSE_SEC
    min_speech_sec: float = 0.12  # shorter speech is a click
    pad_sec: float = 0.2  # padding around speech: the detector misses the first consonant
    turn_gap_sec: float = 1.5  # the longest gap inside a speaker turn, if the other side is silent
    turn_target_sec: float = 30.0
    mono_gap_sec: float = 3.0  # longer silence is not sent
    mono_target_sec: float = 30.0
    unpaused_sec: float = 60.0  # the longest piece without a pause: every turn needs a time
    max_piece_sec: float = 900.0
    max_piece_bytes: int = 25_000_000
    seek_pause_sec: float = 30.0  # a pause is searched within this time before the limit
    dual_mono_correlation: float = 0.98

    def limit_sec(self, rate: int) -> float:
        """The longest piece. FLAC exceeds the raw samples by at most its headers."""
        return min(self.max_piece_sec, (self.max_piece_bytes - 100_000) / (2 * rate))


def policy_for(profile: SttProfile, *, max_file_minutes: float) -> CutPolicy:
    """The parameters for a model. A diarizing model labels speakers anew per request, so its pieces are long."""
    longest = min(profile.max_seconds, max_file_minutes * 60)
    if profile.diarizes:
        return CutPolicy(
            max_piece_sec=longest,
            max_piece_bytes=profile.max_bytes,
            mono_gap_sec=longest,
            mono_target_sec=longest,
            unpaused_sec=longest,
        )
    return CutPolicy(max_piece_sec=longest, max_piece_bytes=profile.max_bytes)


@dataclass(frozen=True, slots=True)
class ChannelSpeech:
    """Detected speech and loudness of one channel, per frame; `seconds` is the length of the recording."""

    speech: Bools
    loudness: Floats
    rate: int
    seconds: float


def mono_pieces(channel_speech: ChannelSpeech, policy: CutPolicy) -> list[Piece]:
    """Pieces cut at pauses, of about the target length; longer only without a pause."""
    joined = _joined(
        _stretches(channel_speech.speech, policy),
        policy.mono_gap_sec,
        _target(policy.mono_target_sec, channel_speech, policy),
    )
    return _pieces(joined, None, channel_speech, policy)


def turns(channel: int, channel_speech: ChannelSpeech, other: ChannelSpeech, policy: CutPolicy) -> list[Piece]:
    """The speaker turns of one channel; short gaps are bridged while the other side is silent."""
    interruptions = np.zeros_like(other.speech)
    for start, end in _stretches(other.speech, policy):
        interruptions[start:end] = True

    def silent_between(start: int, end: int) -> bool:
        return not interruptions[start:end].any()

    target = _target(policy.turn_target_sec, channel_speech, policy)
    joined = _joined(_stretches(channel_speech.speech, policy), policy.turn_gap_sec, target, silent_between)
    return _pieces(joined, channel, channel_speech, policy)


def _stretches(speech: Bools, policy: CutPolicy) -> list[Stretch]:
    within_speech = closed(runs(speech), _frames(policy.pause_sec))
    shortest = _frames(policy.min_speech_sec)
    return [(start, end) for start, end in within_speech if int(speech[start:end].sum()) >= shortest]


def _target(wanted: float, channel_speech: ChannelSpeech, policy: CutPolicy) -> float:
    return min(wanted, policy.limit_sec(channel_speech.rate) - 2 * policy.pad_sec)


def _joined(
    stretches: list[Stretch],
    gap_sec: float,
    target_sec: float,
    may_bridge: Callable[[int, int], bool] = lambda _start, _end: True,
) -> list[Stretch]:
    gap, target = _frames(gap_sec), _frames(target_sec)
    joined: list[Stretch] = []
    for start, end in stretches:
        if joined:
            begun, paused = joined[-1]
            if start - paused <= gap and end - begun <= target and may_bridge(paused, start):
                joined[-1] = (begun, end)
                continue
        joined.append((start, end))
    return joined


def _pieces(
    stretches: list[Stretch], channel: int | None, channel_speech: ChannelSpeech, policy: CutPolicy
) -> list[Piece]:
    padded = _padded(stretches, len(channel_speech.speech), _frames(policy.pad_sec))
    return [
        Piece(
            channel=channel,
            start=_seconds(start),
            end=min(_seconds(end), channel_speech.seconds),  # the last frame may end after the recording
            speech_sec=_seconds(int(channel_speech.speech[start:end].sum())),
            lead_sec=_seconds(max(0, spoken[0] - start)),
            tail_sec=_seconds(max(0, end - spoken[1])),
        )
        for spoken, whole in zip(stretches, padded, strict=True)
        for start, end in _limited(whole, channel_speech, policy)
    ]


def _padded(stretches: list[Stretch], total: int, pad: int) -> list[Stretch]:
    """Adds padding on both sides. Neighbours share the gap between them, so nothing is sent twice."""
    middles = [(left[1] + right[0]) // 2 for left, right in pairwise(stretches)]
    bounded = zip([0, *middles], stretches, [*middles, total], strict=False)
    return [(max(low, start - pad), min(high, end + pad)) for low, (start, end), high in bounded]


def _limited(stretch: Stretch, channel_speech: ChannelSpeech, policy: CutPolicy) -> list[Stretch]:
    """Cuts a stretch above the limit at the quietest moment of the seconds before the limit."""
    start, end = stretch
    limit = int(min(policy.limit_sec(channel_speech.rate), policy.unpaused_sec) * FRAMES_PER_SEC)
    parts: list[Stretch] = []
    while end - start > limit:
        seam = _quietest(
            channel_speech.loudness, max(start + 1, start + limit - _frames(policy.seek_pause_sec)), start + limit
        )
        parts.append((start, seam))
        start = seam
    return [*parts, (start, end)]


def _quietest(loudness: Floats, start: int, end: int) -> int:
    """The middle of the quietest 90 ms inside the quietest quarter of a second."""
    for seconds in (0.25, 0.09):
        width = min(_frames(seconds), end - start)
        smooth = np.convolve(loudness[start:end], np.ones(width) / width, mode="valid")
        start += int(smooth.argmin())
        end = start + width
    return (start + end) // 2


def _frames(seconds: float) -> int:
    return max(1, round(seconds * FRAMES_PER_SEC))


def _seconds(frames: int) -> float:
    return frames * FRAME_MS / 1000
