"""Real recordings with noise and telephone artefacts: the speech that is not sent, and the sound sent beside it.

`python -m tests.hearing.noise_cases` prints the table of docs/audio.md. The reference is the speech model itself on the
clean recording, at 0.6: a case asks what the noise costs.
"""

import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import numpy.typing as npt

from include.speech.audio.cutting import cut
from include.speech.audio.pieces import CutPolicy
from include.speech.audio.speech_model import SpeechModel
from include.speech.cuts import Cut
from simulators.sound import noises
from simulators.sound.synthesis import RATE, Samples
from tests.kit.paths import SHARED_DATA

RECORDINGS = SHARED_DATA / "audio"
NAMES = (
    "en_lca_auto_repairs_40_stereo_8k.wav",
    "en_pca_auto0_call_mono.wav",
    "ru_tone_long.flac",
    "ru_tone_short.flac",
    "en_az_katiesteve.wav",
    "multi_fw_multilingual.mp3",
)
QUICK = ("ru_tone_long.flac", "ru_tone_short.flac", "en_az_katiesteve.wav")
ALONE_SEC = 60
_REFERENCE = 0.6
_FRAME_MS = 30
_IDLE = 8  # A-law has no zero

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Change = Callable[["Clean", np.random.Generator], npt.NDArray[np.int16]]


@dataclass(frozen=True, slots=True)
class Clean:
    """`samples` of (channels, length) at 8 kHz; `speech` per frame and channel; `power` of each channel's speech."""

    samples: Floats
    speech: Bools
    power: Floats


@dataclass(frozen=True, slots=True)
class Result:
    """Seconds of reference speech, of it what is not sent, and everything that is sent."""

    speech: float
    lost: float
    sent: float


@cache
def clean(name: str) -> Clean:
    """Equal channels are one channel."""
    samples = _decoded(RECORDINGS / name)
    if len(samples) == 2 and np.corrcoef(samples)[0, 1] > 0.98:
        samples = samples[:1]
    speech = np.stack([_reference(channel) for channel in samples])
    power = np.array([_power(channel, spoken) for channel, spoken in zip(samples, speech, strict=True)])
    return Clean(samples.astype(np.float64), speech, power)


def _decoded(path: Path) -> Samples:
    with av.open(str(path)) as container:
        layout = "stereo" if container.streams.audio[0].channels == 2 else "mono"
        resampler = av.AudioResampler(format="s16p", layout=layout, rate=RATE)
        parts = []
        for frame in container.decode(audio=0):
            frame.pts = None
            parts += resampler.resample(frame)
        return np.concatenate([part.to_ndarray() for part in (*parts, *resampler.resample(None))], axis=1)


def _reference(channel: Samples) -> Bools:
    model, frames = SpeechModel(), len(channel) * 1000 // RATE // _FRAME_MS
    model.add(channel, np.ones(frames, dtype=np.bool_), RATE)
    return model.probabilities(frames) >= _REFERENCE


def _power(channel: Samples, spoken: Bools) -> float:
    inside = np.repeat(spoken, RATE * _FRAME_MS // 1000)
    return float(np.mean(np.square(channel[: len(inside)][inside].astype(np.float64))))


def with_noise(noise: noises.Noise, decibels: float) -> Change:
    """The same noise on each channel, that much weaker than the channel's speech."""

    def change(recording: Clean, rng: np.random.Generator) -> npt.NDArray[np.int16]:
        added = noise(recording.samples.shape[1], rng)
        gains = np.sqrt(recording.power / 10 ** (decibels / 10))
        return _int16(recording.samples + gains[:, np.newaxis] * added)

    return change


def _clipped(recording: Clean, _: np.random.Generator) -> npt.NDArray[np.int16]:
    """Two of three samples of speech are at the limit."""
    return _int16(recording.samples * (30000 / np.sqrt(recording.power))[:, np.newaxis])


def _offset(recording: Clean, _: np.random.Generator) -> npt.NDArray[np.int16]:
    return _int16(recording.samples + 6000)


def _quieter(decibels: float) -> Change:
    """From the middle on."""

    def change(recording: Clean, _: np.random.Generator) -> npt.NDArray[np.int16]:
        middle = recording.samples.shape[1] // 2
        gain = np.where(np.arange(recording.samples.shape[1]) < middle, 1.0, 10 ** (-decibels / 20))
        return _int16(recording.samples * gain)

    return change


def _comfort_noise(recording: Clean, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """What is no speech is replaced by noise at -55 dBFS, as networks do that do not transmit pauses."""
    frame = RATE * _FRAME_MS // 1000
    samples = recording.samples.copy()
    for channel, spoken in zip(samples, recording.speech, strict=True):
        near = np.convolve(spoken, np.ones(5), mode="same") > 0
        silent = ~np.pad(np.repeat(near, frame), (0, len(channel) - len(near) * frame), mode="edge")
        channel[silent] = rng.standard_normal(int(silent.sum())) * 58
    return _int16(samples)


def _echo(recording: Clean, _: np.random.Generator) -> npt.NDArray[np.int16]:
    """Each channel has the other one 20 dB weaker and 60 ms later; a mono recording its own sound."""
    late = np.roll(recording.samples[::-1], round(0.06 * RATE), axis=1)
    return _int16(recording.samples + 0.1 * late)


def _dead_channel(recording: Clean, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """The first channel beside an unused one."""
    idle = rng.choice([-_IDLE, _IDLE], recording.samples.shape[1])
    return _int16(np.stack([recording.samples[0], idle]))


def _codec(codec: str, container: str, bit_rate: int | None = None) -> Change:
    def change(recording: Clean, _: np.random.Generator) -> npt.NDArray[np.int16]:
        length = recording.samples.shape[1]
        coded = [noises.through_codec(_int16(channel), codec, container, bit_rate) for channel in recording.samples]
        return np.stack([np.pad(channel, (0, max(0, length - len(channel))))[:length] for channel in coded])

    return change


_NOISES: tuple[noises.Noise, ...] = (
    noises.white, noises.room, noises.hum, noises.fans, noises.two_tones, noises.whine, noises.beeps, noises.babble,
    noises.struck, noises.drums, noises.organ, noises.strings,
)  # fmt: skip
CASES: dict[str, Change] = {
    **{f"{noise.__name__}, {level} dB": with_noise(noise, level) for noise in _NOISES for level in (20, 14, 8)},
    "clipping": _clipped,
    "DC offset": _offset,
    "20 dB quieter from the middle": _quieter(20),
    "comfort noise in pauses": _comfort_noise,
    "echo at -20 dB": _echo,
    "a dead channel": _dead_channel,
    "A-law": _codec("pcm_alaw", "wav"),
    "AMR at 4.75 kbit/s": _codec("libopencore_amrnb", "amr", 4750),
}
ALONE: tuple[noises.Noise, ...] = (
    noises.white, noises.room, noises.hum, noises.fans, noises.two_tones, noises.whine, noises.beeps, noises.ring_back,
    noises.american_ring_back, noises.busy, noises.struck, noises.drums, noises.organ, noises.strings,
)  # fmt: skip


def result(name: str, case: str, folder: Path) -> Result:
    """One recording, changed and stored as mp3, through the product's cut."""
    recording = clean(name)
    changed = CASES[case](recording, _random(case)) if case else _int16(recording.samples)
    found = cut(_mp3(folder / "noisy.mp3", changed), CutPolicy())
    speech = recording.speech[:1] if case == "a dead channel" else recording.speech
    lost = sum(int((spoken & ~_sent(found, number, len(spoken))).sum()) for number, spoken in enumerate(speech))
    frame = _FRAME_MS / 1000
    return Result(int(speech.sum()) * frame, lost * frame, sum(piece.seconds for piece in found.pieces))


def sent_alone(noise: noises.Noise, folder: Path, seconds: int = ALONE_SEC) -> float:
    """The share of the noise alone, at -27 dBFS, that is sent."""
    samples = _int16(1500 * noise(seconds * RATE, _random(noise.__name__)))
    found = cut(_mp3(folder / "alone.mp3", samples.reshape(1, -1)), CutPolicy())
    return sum(piece.seconds for piece in found.pieces) / seconds


def _sent(found: Cut, channel: int, frames: int) -> Bools:
    starts = np.arange(frames) * _FRAME_MS / 1000
    sent = np.zeros(frames, dtype=np.bool_)
    for piece in found.pieces:
        if channel == (found.mono_track if piece.channel is None else piece.channel):
            sent |= (starts + _FRAME_MS / 2000 >= piece.start) & (starts + _FRAME_MS / 2000 < piece.end)
    return sent


def _mp3(path: Path, samples: npt.NDArray[np.int16]) -> Path:
    layout = "stereo" if len(samples) == 2 else "mono"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libmp3lame", rate=RATE, layout=layout)
        stream.codec_context.bit_rate = 32_000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T).reshape(1, -1), "s16", layout)
        frame.sample_rate, frame.pts = RATE, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def _random(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))


def _int16(samples: Floats) -> npt.NDArray[np.int16]:
    return np.clip(samples, -32768, 32767).astype(np.int16)


def table(names: Sequence[str] = NAMES) -> Iterator[str]:
    yield "| case | speech not sent, % | worst recording, % | sent / speech |"
    yield "|---|---|---|---|"
    with TemporaryDirectory() as folder:
        for case in ("", *CASES):
            found = [result(name, case, Path(folder)) for name in names]
            speech = sum(one.speech for one in found)
            lost = 100 * sum(one.lost for one in found) / speech
            worst = max(100 * one.lost / one.speech for one in found)
            sent = sum(one.sent for one in found) / speech
            yield f"| {case or 'clean'} | {lost:.2f} | {worst:.2f} | {sent:.2f} |"
        yield ""
        yield "| alone | sent, % |"
        yield "|---|---|"
        for noise in ALONE:
            yield f"| {noise.__name__} | {100 * sent_alone(noise, Path(folder)):.1f} |"


if __name__ == "__main__":
    for line in table():
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
