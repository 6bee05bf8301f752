"""Divides a recording into pieces; the samples are not kept.

One pass over the recording; a second one if there is sound that the speech model has to decide on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from include.speech.audio.channels import ChannelComparison
from include.speech.audio.decoding import MAX_SECONDS, Samples, not_audio, opened
from include.speech.audio.frames import FRAME_MS, Bools, around, frames_in, runs
from include.speech.audio.pieces import ChannelSpeech, CutPolicy, frames_of, mono_pieces, sent_frames, turns
from include.speech.audio.probing import info_of
from include.speech.audio.speech_model import MODEL, speech_by_model
from include.speech.audio.voice import VoiceDetector
from include.speech.cuts import ChannelLayout, Cut, Piece

_DOUBTFUL_FRAMES = 3  # shorter sound is a click
_FADING_SEC = 0.3


def cut(path: Path, policy: CutPolicy, *, most_seconds: float = MAX_SECONDS) -> Cut:
    """Raises Permanent(not_audio | audio_too_short | audio_limits). A recording without speech has no pieces."""
    with opened(path, most_seconds=most_seconds) as source:
        detectors = [VoiceDetector(source.rate) for _ in range(source.tracks)]
        comparison, samples = ChannelComparison(source.rate), 0
        try:
            for block in map(_centred, source.blocks()):
                samples += block.shape[1]
                for detector, track in zip(detectors, block, strict=True):
                    detector.add(track)
                if source.tracks == 2:
                    comparison.add(block)
        except MemoryError:
            raise
        except av.FFmpegError:
            raise not_audio() from None
        info = info_of(source, samples)
    equal = source.tracks == 2 and comparison.correlation >= policy.dual_mono_correlation
    tracks = detectors[:1] if equal else detectors
    leaks = [comparison.leaked(channel) for channel in (0, 1)] if len(tracks) == 2 else [np.zeros(0, dtype=np.bool_)]
    found = [_Track.of(detector, leaked) for detector, leaked in zip(tracks, leaks, strict=True)]
    speech = _speech(path, found, policy)
    channels = [
        ChannelSpeech(spoken, detector.loudness(), source.rate, info.seconds)
        for spoken, detector in zip(speech, tracks, strict=True)
    ]
    layout, track, pieces = (
        (ChannelLayout.DUAL_MONO, 0, mono_pieces(channels[0], policy)) if equal else _divided(channels, policy)
    )
    sent = [frames_of(pieces, channel, track, len(spoken)) for channel, spoken in enumerate(speech)]
    return Cut(
        info=info,
        channel_layout=layout,
        pieces=tuple(pieces),
        gains=tuple(detector.gain for detector in detectors),
        mono_track=track,
        speech_model=MODEL,
        sounding_sec=_seconds(one.sounding for one in found),
        unsent_sec=_seconds(one.sounding & ~frames for one, frames in zip(found, sent, strict=True)),
        music_share=_music_share(found, speech, sent),
    )


def _centred(block: Samples) -> Samples:
    """Without a constant offset, in which the rules on level see no difference between quiet and loud."""
    offset = block.mean(axis=1, keepdims=True).round().astype(np.int32)
    if not offset.any():
        return block
    centred: Samples = np.clip(block - offset, -32768, 32767).astype(np.int16)
    return centred


@dataclass(frozen=True, slots=True)
class _Track:
    """What the rules find on one channel, per frame (`VoiceDetector`). `leaked`: sound of the other channel."""

    sounding: Bools
    voice: Bools
    speech: Bools
    leaked: Bools
    gain: float

    @classmethod
    def of(cls, detector: VoiceDetector, leaked: Bools) -> "_Track":
        voice = detector.voice()
        leaked = leaked if len(leaked) else np.zeros_like(voice)
        return cls(
            detector.sounding() & ~leaked,
            voice & ~leaked,
            detector.without_music(voice) & ~leaked,
            leaked,
            detector.gain,
        )

    def doubtful(self, policy: CutPolicy) -> Bools:
        """Sound that would not be sent."""
        mask = self.sounding & ~sent_frames(self.speech, policy)
        for start, end in runs(mask):
            mask[start:end] = end - start >= _DOUBTFUL_FRAMES
        return mask

    def with_model(self, found: Bools) -> Bools:
        """The speech of the rules and of the model, whose probability falls slowly after leaked speech."""
        fading = around(self.leaked, 0, frames_in(_FADING_SEC)) & ~self.sounding
        return self.speech | found & ~fading & ~self.leaked


def _speech(path: Path, found: Sequence[_Track], policy: CutPolicy) -> list[Bools]:
    """Per track and frame: True if it is speech by the rules or by the speech model."""
    doubtful = [track.doubtful(policy) for track in found]
    if not any(mask.any() for mask in doubtful):
        return [track.speech for track in found]
    by_model = speech_by_model(path, doubtful, [track.gain for track in found])
    return [track.with_model(mask) for track, mask in zip(found, by_model, strict=True)]


def _music_share(found: Sequence[_Track], speech: Sequence[Bools], sent: Sequence[Bools]) -> float:
    """Of the voiced frames between the first and the last speech, those that are not sent because they are music."""
    voiced = music = 0
    for track, spoken, frames in zip(found, speech, sent, strict=True):
        places = np.flatnonzero(spoken)
        if len(places):
            within = slice(int(places[0]), int(places[-1]) + 1)
            voiced += int(track.voice[within].sum())
            music += int((track.voice & ~spoken & ~frames)[within].sum())
    return round(music / voiced, 4) if voiced else 0.0


def _seconds(masks: Iterable[Bools]) -> float:
    return round(sum(int(mask.sum()) for mask in masks) * FRAME_MS / 1000, 3)


def _divided(channels: list[ChannelSpeech], policy: CutPolicy) -> tuple[ChannelLayout, int, list[Piece]]:
    """Layout, mono track and pieces of channels that are not equal."""
    if len(channels) == 2:
        left, right = turns(0, channels[0], channels[1], policy), turns(1, channels[1], channels[0], policy)
        if left and right:
            both = sorted(left + right, key=lambda piece: (piece.start, piece.channel))
            return ChannelLayout.STEREO, 0, both
        # Without speech on one channel both people may be on the other one: no roles are claimed.
        track = 1 if right else 0
    else:
        track = 0
    return ChannelLayout.MONO, track, mono_pieces(channels[track], policy)
