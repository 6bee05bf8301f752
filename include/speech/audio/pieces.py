"""Divides detected speech into pieces: rules on frames, without samples."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from include.speech.audio.frames import FRAME_MS, FRAMES_PER_SEC, Bools, Floats, closed, frames_in, runs
from include.speech.audio.voice import PAUSE_SEC
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
    late_pause_sec: float = 10.0  # at the target, the longest pause of so much before it
    fragment_sec: float = 0.3  # a turn with less speech waits for a neighbour of its channel...
    fragment_gap_sec: float = 3.0  # ...that is not further away
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


def policy_for_all(profiles: Sequence[SttProfile], *, max_file_minutes: float) -> CutPolicy:
    """The first model's parameters, with pieces that all of the models take."""
    each = [policy_for(profile, max_file_minutes=max_file_minutes) for profile in profiles]
    return replace(
        each[0],
        max_piece_sec=min(one.max_piece_sec for one in each),
        max_piece_bytes=min(one.max_piece_bytes for one in each),
    )


@dataclass(frozen=True, slots=True)
class ChannelSpeech:
    """Detected speech and loudness of one channel, per frame; `seconds` is the length of the recording."""

    speech: Bools
    loudness: Floats
    rate: int
    seconds: float


def mono_pieces(channel_speech: ChannelSpeech, policy: CutPolicy) -> list[Piece]:
    """Pieces cut at pauses, of about the target length; longer only without a pause."""
    target = _target(policy.mono_target_sec, channel_speech, policy)
    joined = _joined(_stretches(channel_speech.speech, policy), policy.mono_gap_sec, target, policy)
    return _pieces(joined, None, channel_speech, policy)


def turns(channel: int, channel_speech: ChannelSpeech, other: ChannelSpeech, policy: CutPolicy) -> list[Piece]:
    """The speaker turns of one channel; short gaps are bridged while the other side is silent."""
    interruptions = np.zeros_like(other.speech)
    for start, end in _stretches(other.speech, policy):
        interruptions[start:end] = True

    def silent_between(start: int, end: int) -> bool:
        return not interruptions[start:end].any()

    target = _target(policy.turn_target_sec, channel_speech, policy)
    joined = _joined(_stretches(channel_speech.speech, policy), policy.turn_gap_sec, target, policy, silent_between)
    return _pieces(_without_fragments(joined, channel_speech.speech, target, policy), channel, channel_speech, policy)


def sent_frames(speech: Bools, policy: CutPolicy) -> Bools:
    """Frames of one channel that are sent in any case: the speech, its short pauses and the padding."""
    sent = np.zeros_like(speech)
    pad = frames_in(policy.pad_sec)
    for start, end in _stretches(speech, policy):
        sent[max(0, start - pad) : end + pad] = True
    return sent


def frames_of(pieces: Iterable[Piece], channel: int, mono_track: int, frames: int) -> Bools:
    """Per frame of a channel: True if a piece holds it."""
    sent = np.zeros(frames, dtype=np.bool_)
    for piece in pieces:
        if channel == (mono_track if piece.channel is None else piece.channel):
            sent[round(piece.start * FRAMES_PER_SEC) : round(piece.end * FRAMES_PER_SEC)] = True
    return sent


def _stretches(speech: Bools, policy: CutPolicy) -> list[Stretch]:
    within_speech = closed(runs(speech), frames_in(policy.pause_sec))
    shortest = frames_in(policy.min_speech_sec)
    return [(start, end) for start, end in within_speech if int(speech[start:end].sum()) >= shortest]


def _target(wanted_sec: float, channel_speech: ChannelSpeech, policy: CutPolicy) -> int:
    """Frames of speech and pauses in a piece; with the padding it is as long as wanted."""
    whole = int(min(wanted_sec, policy.limit_sec(channel_speech.rate)) * FRAMES_PER_SEC)
    return whole - 2 * frames_in(policy.pad_sec)


def _joined(
    stretches: list[Stretch],
    gap_sec: float,
    target: int,
    policy: CutPolicy,
    may_bridge: Callable[[int, int], bool] = lambda _start, _end: True,
) -> list[Stretch]:
    """Joins stretches across gaps, up to `target` frames; a longer group is divided at its longest late pause."""
    gap, late = frames_in(gap_sec), frames_in(policy.late_pause_sec)
    groups: list[list[Stretch]] = []
    for start, end in stretches:
        paused = groups[-1][-1][1] if groups else 0
        if groups and start - paused <= gap and may_bridge(paused, start):
            groups[-1].append((start, end))
        else:
            groups.append([(start, end)])
        while len(groups[-1]) > 1 and groups[-1][-1][1] - groups[-1][0][0] > target:
            group = groups.pop()
            first = _longest_late_pause(group, target, late)
            groups += [group[:first], group[first:]]
    return [(group[0][0], group[-1][1]) for group in groups]


def _longest_late_pause(group: list[Stretch], target: int, late: int) -> int:
    """How many stretches come before the longest pause of the last `late` frames before the target.

    Without a pause there it is the last pause before the target, or the first one of all.
    """
    begun = group[0][0]
    fitting = [place for place in range(1, len(group)) if group[place - 1][1] - begun <= target]
    if not fitting:
        return 1
    last = [place for place in fitting if group[place - 1][1] - begun >= target - late] or fitting[-1:]
    return max(last, key=lambda place: (group[place][0] - group[place - 1][1], place))


def _without_fragments(stretches: list[Stretch], speech: Bools, target: int, policy: CutPolicy) -> list[Stretch]:
    """Joins a stretch with hardly any speech to its nearer neighbour: alone it is not understood, and costs most."""
    gap, least = frames_in(policy.fragment_gap_sec), frames_in(policy.fragment_sec)
    left = list(stretches)
    place = 0
    while place < len(left):
        start, end = left[place]
        neighbours = [
            (left[number + 1][0] - left[number][1], number)
            for number in (place - 1, place)
            if 0 <= number < len(left) - 1 and left[number + 1][1] - left[number][0] <= target
        ]
        distance, number = min(neighbours, default=(gap + 1, 0))
        if int(speech[start:end].sum()) < least and distance <= gap:
            left[number : number + 2] = [(left[number][0], left[number + 1][1])]
            place = number
        else:
            place += 1
    return left


def _pieces(
    stretches: list[Stretch], channel: int | None, channel_speech: ChannelSpeech, policy: CutPolicy
) -> list[Piece]:
    padded = _padded(stretches, len(channel_speech.speech), frames_in(policy.pad_sec))
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
            channel_speech.loudness, max(start + 1, start + limit - frames_in(policy.seek_pause_sec)), start + limit
        )
        parts.append((start, seam))
        start = seam
    return [*parts, (start, end)]


def _quietest(loudness: Floats, start: int, end: int) -> int:
    """The middle of the quietest 90 ms inside the quietest quarter of a second."""
    for seconds in (0.25, 0.09):
        width = min(frames_in(seconds), end - start)
        smooth = np.convolve(loudness[start:end], np.ones(width) / width, mode="valid")
        start += int(smooth.argmin())
        end = start + width
    return (start + end) // 2


def _seconds(frames: int) -> float:
    return frames * FRAME_MS / 1000
