"""Cuts a recording into pieces in one pass over its samples; memory does not grow with its length."""

from pathlib import Path

import av

from include.clients.audio.channels import Pair
from include.clients.audio.decoding import not_audio, opened
from include.clients.audio.planning import CutPolicy, Heard, mono_pieces, turns
from include.clients.audio.probing import info_of
from include.clients.audio.voice import Ear
from include.domain.cuts import ChannelLayout, Cut, Piece


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
    layout = _layout(ears, pair, policy)
    speech = [ear.speech() for ear in ears]
    if layout is ChannelLayout.STEREO:
        speech = [said & ~pair.leaked(channel) for channel, said in enumerate(speech)]
    heard = [Heard(said, ear.loudness(), source.rate, info.seconds) for said, ear in zip(speech, ears, strict=True)]
    track = 1 if len(ears) == 2 and ears[0].is_silent else 0
    return Cut(
        info=info,
        channel_layout=layout,
        pieces=tuple(_pieces(layout, heard, track, policy)),
        gains=tuple(ear.gain for ear in ears),
        mono_track=track,
    )


def _layout(ears: list[Ear], pair: Pair, policy: CutPolicy) -> ChannelLayout:
    # With one channel never recorded on, who is on the other one is anybody's guess: no roles are claimed.
    if len(ears) == 1 or any(ear.is_silent for ear in ears):
        return ChannelLayout.MONO
    equal = pair.correlation >= policy.dual_mono_correlation
    return ChannelLayout.DUAL_MONO if equal else ChannelLayout.STEREO


def _pieces(layout: ChannelLayout, heard: list[Heard], track: int, policy: CutPolicy) -> list[Piece]:
    if layout is not ChannelLayout.STEREO:
        return mono_pieces(heard[track], policy)
    left, right = heard
    both = turns(0, left, right, policy) + turns(1, right, left, policy)
    return sorted(both, key=lambda piece: (piece.start, piece.channel))
