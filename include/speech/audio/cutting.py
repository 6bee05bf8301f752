"""Divides a recording into pieces in one pass over its samples; the samples are not kept."""

from pathlib import Path

import av

from include.speech.audio.channels import ChannelComparison
from include.speech.audio.decoding import not_audio, opened
from include.speech.audio.pieces import ChannelSpeech, CutPolicy, mono_pieces, turns
from include.speech.audio.probing import info_of
from include.speech.audio.voice import VoiceDetector
from include.speech.cuts import ChannelLayout, Cut, Piece


def cut(path: Path, policy: CutPolicy) -> Cut:
    """Raises Permanent(not_audio | audio_too_short). A recording without speech has no pieces."""
    with opened(path) as source:
        detectors = [VoiceDetector(source.rate) for _ in range(source.tracks)]
        comparison, samples = ChannelComparison(source.rate), 0
        try:
            for block in source.blocks():
                samples += block.shape[1]
                for detector, track in zip(detectors, block, strict=True):
                    detector.add(track)
                if source.tracks == 2:
                    comparison.add(block)
        except av.FFmpegError:
            raise not_audio() from None
        info = info_of(source, samples)
    equal = source.tracks == 2 and comparison.correlation >= policy.dual_mono_correlation
    speech = [detector.speech() for detector in detectors]
    if source.tracks == 2 and not equal:
        speech = [spoken & ~comparison.leaked(channel) for channel, spoken in enumerate(speech)]
    channels = [
        ChannelSpeech(spoken, detector.loudness(), source.rate, info.seconds)
        for spoken, detector in zip(speech, detectors, strict=True)
    ]
    layout, track, pieces = (
        (ChannelLayout.DUAL_MONO, 0, mono_pieces(channels[0], policy)) if equal else _divided(channels, policy)
    )
    return Cut(
        info=info,
        channel_layout=layout,
        pieces=tuple(pieces),
        gains=tuple(detector.gain for detector in detectors),
        mono_track=track,
    )


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
