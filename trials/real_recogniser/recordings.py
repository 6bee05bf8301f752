"""The real recordings of `../shared/data/audio`, what is said in them, and copies with noise."""

import json
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt

from include.speech.audio.cutting import cut
from include.speech.audio.pieces import CutPolicy
from simulators.sound import noises
from simulators.sound.synthesis import RATE

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
Samples = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Recording:
    """`truth` by channel (None: mono). `operator`: the operator's channel; `consensus`: the truth has errors too."""

    name: str
    file: str
    language: str
    truth: dict[int | None, str] = field(default_factory=dict)
    operator: str = "left"
    consensus: bool = False

    @property
    def path(self) -> Path:
        return DATA / "audio" / self.file


def missing() -> str:
    """Why the recordings cannot be used; empty if they can."""
    return (
        "" if (DATA / "truth.json").exists() and (DATA / "audio").is_dir() else f"{DATA} has no truth.json and audio/"
    )


@cache
def recordings() -> tuple[Recording, ...]:
    said = json.loads((DATA / "truth.json").read_text(encoding="utf-8"))
    known, agreed = said["known"], said["consensus"]
    lca, pca = agreed["en_lca_auto_repairs_40_stereo_8k"], agreed["en_pca_auto0_call_mono"]
    wizard = known["en_fw_stereo_diarization"]
    return (
        Recording("LCA, stereo", "en_lca_auto_repairs_40_stereo_8k.wav", "en", {0: lca["caller"], 1: lca["agent"]},
                  "right", consensus=True),
        Recording("PCA, mono", "en_pca_auto0_call_mono.wav", "en", {None: pca["text"]}, consensus=True),
        Recording("JFK", "en_jfk_44k_stereo.flac", "en", {None: known["en_jfk_44k_stereo"]}),
        Recording("vosk, digits", "en_vosk_test.wav", "en", {None: known["en_vosk_test"]}),
        Recording("weather", "en_az_weather.wav", "en", {None: known["en_az_weather"]}),
        Recording("weather, mu-law", "en_az_weather_mulaw.wav", "en", {None: known["en_az_weather_mulaw"]}),
        Recording("katiesteve", "en_az_katiesteve.wav", "en", {None: known["en_az_katiesteve"]}),
        Recording("katiesteve, short", "en_az_katiesteve_mono.wav", "en", {None: known["en_az_katiesteve_mono"]}),
        Recording("wizard, stereo", "en_fw_stereo_diarization.wav", "en", {0: wizard[0], 1: wizard[1]}),
        Recording("T-one, long", "ru_tone_long.flac", "ru"),
        Recording("T-one, short", "ru_tone_short.flac", "ru"),
    )  # fmt: skip


def named(name: str) -> Recording:
    return next(recording for recording in recordings() if recording.name == name)


@cache
def _english() -> Callable[[str], str]:
    from whisper_normalizer.english import EnglishTextNormalizer

    return cast("Callable[[str], str]", EnglishTextNormalizer())


def words(text: str) -> tuple[str, ...]:
    """OpenAI's normalisation of English texts, then digit by digit: one number is written in many ways."""
    return tuple(re.sub(r"(\d)", r" \1 ", _english()(text).replace("$", " ")).split())


def samples_of(path: Path) -> Samples:
    """(channels, samples) at 8 kHz."""
    with av.open(str(path)) as container:
        layout = "stereo" if container.streams.audio[0].channels == 2 else "mono"
        resampler = av.AudioResampler(format="s16p", layout=layout, rate=RATE)
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        return np.concatenate([part.to_ndarray() for part in (*frames, *resampler.resample(None))], axis=1)


def write(path: Path, samples: Samples, rate: int = RATE) -> Path:
    with av.open(str(path), "w") as output:
        layout = "stereo" if len(samples) == 2 else "mono"
        stream = output.add_stream("pcm_s16le", rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T).reshape(1, -1), "s16", layout)
        frame.sample_rate, frame.pts = rate, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def channel_file(recording: Recording, channel: int | None, folder: Path) -> Path:
    """The whole recording as one request would send it: the file itself, or one channel of it at its own rate."""
    if channel is None:
        return recording.path
    with av.open(str(recording.path)) as container:
        rate = container.streams.audio[0].rate
        resampler = av.AudioResampler(format="s16p", layout="stereo", rate=rate)
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        both = np.concatenate([part.to_ndarray() for part in (*frames, *resampler.resample(None))], axis=1)
    return write(folder / f"{recording.path.stem}_{channel}.wav", both[channel : channel + 1], rate)


def with_noise(recording: Recording, kind: str, decibels: float, folder: Path, *, seconds: float | None = None) -> Path:
    """A copy at 8 kHz with the same noise on each channel, that much weaker than the channel's speech."""
    found = samples_of(recording.path)[:, : None if seconds is None else round(seconds * RATE)].astype(np.float64)
    if kind != "clean":
        rng = np.random.default_rng(zlib.crc32(f"{recording.name} {kind}".encode()))
        noise: noises.Noise = getattr(noises, kind)
        gains = np.sqrt(_speech_power(recording, found) / 10 ** (decibels / 10))
        found = found + gains[:, np.newaxis] * noise(found.shape[1], rng)
    target = folder / f"{recording.path.stem}_{kind}_{decibels:g}.wav"
    return write(target, np.clip(found.round(), -32768, 32767).astype(np.int16))


def _speech_power(recording: Recording, samples: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mean square of each channel where the cut of the clean recording hears speech."""
    pieces = cut(recording.path, CutPolicy()).pieces
    return np.array([_power_within(samples[channel], _stretches(pieces, channel)) for channel in range(len(samples))])


def _stretches(pieces: Sequence[Any], channel: int) -> list[tuple[float, float]]:
    return [(piece.start, piece.end) for piece in pieces if piece.channel in (None, channel)]


def _power_within(channel: npt.NDArray[np.float64], stretches: Sequence[tuple[float, float]]) -> float:
    parts = [channel[round(start * RATE) : round(end * RATE)] for start, end in stretches]
    inside = np.concatenate([*parts, np.zeros(0)])
    return float(np.mean(np.square(inside))) if len(inside) else 1.0
