"""Cuts a recording into pieces in one pass over its samples; memory does not grow with its length."""

from pathlib import Path

import av

from include.speech.audio.channels import Pair
from include.speech.audio.decoding import not_audio, opened
from include.speech.audio.pieces import CutPolicy, Heard, mono_pieces, turns
from include.speech.audio.probing import info_of
from include.speech.audio.voice import Ear
from include.speech.cuts import ChannelLayout, Cut, Piece


def cut(path: Path, policy: CutPolicy) -> Cut:
    """Raises Permanent(not_audio | audio_too_short). A recording without speech has no pieces."""
    with opened(path) as source:
        ears = [Ear(source.rate) for _ in range(source.tracks)]
        pair, samples = Pair(source.rate), 0
        try:
            for block in source.blocks():
                samples += block.shape[1]
                for ear, track in zip(ears, block, strict=True):
                    ear.hear(track)
                if source.tracks == 2:
                    pair.hear(block)
        except av.FFmpegError:
            raise not_audio() from None
        info = info_of(source, samples)
    equal = source.tracks == 2 and pair.correlation >= policy.dual_mono_correlation
    speech = [ear.speech() for ear in ears]
    if source.tracks == 2 and not equal:
        speech = [said & ~pair.leaked(channel) for channel, said in enumerate(speech)]
    heard = [Heard(said, ear.loudness(), source.rate, info.seconds) for said, ear in zip(speech, ears, strict=True)]
    layout, track, pieces = (
        (ChannelLayout.DUAL_MONO, 0, mono_pieces(heard[0], policy)) if equal else _divided(heard, policy)
    )
    return Cut(
        info=info,
        channel_layout=layout,
        pieces=tuple(pieces),
        gains=tuple(ear.gain for ear in ears),
        mono_track=track,
    )


def _divided(heard: list[Heard], policy: CutPolicy) -> tuple[ChannelLayout, int, list[Piece]]:
    """Layout, the track of pieces without a channel, pieces; of channels that are not equal."""
    if len(heard) == 2:
        left, right = turns(0, heard[0], heard[1], policy), turns(1, heard[1], heard[0], policy)
        if left and right:
            both = sorted(left + right, key=lambda piece: (piece.start, piece.channel))
            return ChannelLayout.STEREO, 0, both
        # With nobody heard on one channel, who is on the other one is anybody's guess: no roles are claimed.
        track = 1 if right else 0
    else:
        track = 0
    return ChannelLayout.MONO, track, mono_pieces(heard[track], policy)
