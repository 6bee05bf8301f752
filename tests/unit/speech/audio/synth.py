"""Synthesised sounds: some that a voice detector takes for speech, and some that it must not."""

import wave
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE = 8000
Sound = NDArray[np.float64]  # -1..1


def voice(seconds: float, *, seed: int = 0, dbfs: float = -20.0) -> Sound:
    """A buzz with moving pitch, formants and syllables, different for each seed."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    pitch = 110 + 40 * rng.random() + 25 * np.sin(2 * np.pi * (0.5 + rng.random()) * t + seed)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    formant = 700 + 300 * np.sin(2 * np.pi * (1.3 + rng.random()) * t)
    source = np.zeros_like(t)
    for harmonic in range(1, 24):
        source += np.sin(harmonic * phase) / (1 + ((harmonic * pitch - formant) / 400) ** 2)
    syllables = 0.15 + 0.85 * np.clip(np.sin(2 * np.pi * (3.5 + rng.random()) * t), 0, 1)
    return at_level(source * syllables, dbfs)


def tone(seconds: float, *hertz: float, dbfs: float = -20.0) -> Sound:
    t = np.arange(round(seconds * RATE)) / RATE
    return at_level(np.sum([np.sin(2 * np.pi * f * t) for f in hertz], axis=0), dbfs)


def music(seconds: float, *, seed: int = 0, drums: bool = True, vibrato: float = 0.0, dbfs: float = -20.0) -> Sound:
    """A melody of struck or bowed notes, two in a beat of 0.6 s; with drums, or with chords instead of them."""
    rng = np.random.default_rng(seed)
    line = np.zeros(round((seconds + 2) * RATE))
    for beat in np.arange(0, seconds, 0.6):
        notes = [(beat + half, 0.28, 440 * 2 ** (rng.choice([0, 2, 4, 7, 9]) / 12)) for half in (0, 0.3)]
        chord = [] if drums else [(beat, 1.2, 220 * 2 ** (step / 12)) for step in (0, 4, 7)]
        for start, length, hertz in notes + chord:
            t = np.arange(round(length * RATE)) / RATE
            phase = 2 * np.pi * hertz * (t + vibrato / 35 * np.sin(35 * t))
            note = sum(np.sin(k * phase) / k for k in range(1, 6)) * np.minimum(1, t / 0.01) * np.exp(-3 * t)
            line[round(start * RATE) :][: len(t)] += note * np.minimum(1, (length - t) / 0.02)
        if drums:
            t = np.arange(RATE // 8) / RATE
            line[round(beat * RATE) :][: len(t)] += 1.5 * np.sin(2 * np.pi * 70 * t) * np.exp(-30 * t)
            line[round((beat + 0.3) * RATE) :][: len(t)] += rng.standard_normal(len(t)) * np.exp(-50 * t)
    return at_level(line[: round(seconds * RATE)], dbfs)


def hiss(seconds: float, *, dbfs: float = -75.0, seed: int = 99) -> Sound:
    return at_level(np.random.default_rng(seed).standard_normal(round(seconds * RATE)), dbfs)


def at_level(sound: Sound, dbfs: float) -> Sound:
    return sound / (np.sqrt(np.mean(sound**2)) + 1e-12) * 10 ** (dbfs / 20)


def on_line(seconds: float, *said: tuple[float, Sound], noise_dbfs: float = -75.0) -> Sound:
    """A quiet line of that length, with each sound at its time."""
    line = hiss(seconds, dbfs=noise_dbfs)
    for start, sound in said:
        at = round(start * RATE)
        line[at : at + len(sound)] += sound[: len(line) - at]
    return line


def as_samples(*channels: Sound) -> NDArray[np.int16]:
    """(samples, channels), as a WAV file holds them."""
    return (np.clip(np.stack(channels, axis=1), -1, 1) * 32767).astype(np.int16)


def alaw(path: Path, seconds: float = 2.0) -> Path:
    """As telephone exchanges write it."""
    with av.open(str(path), "w", format="wav") as out:
        stream = out.add_stream("pcm_alaw", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(as_samples(voice(seconds)).T, format="s16", layout="mono")
        frame.sample_rate = RATE
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def wav(path: Path, *channels: Sound, times: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(RATE)
        samples = as_samples(*channels).tobytes()
        for _ in range(times):
            file.writeframesraw(samples)
    return path


def mp3(path: Path, *channels: Sound) -> Path:
    layout = "stereo" if len(channels) == 2 else "mono"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libmp3lame", rate=RATE, layout=layout)
        samples = as_samples(*channels)
        for start in range(0, len(samples), RATE):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples[start : start + RATE]).reshape(1, -1), format="s16", layout=layout
            )
            frame.sample_rate, frame.pts = RATE, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def decoded(path: Path) -> NDArray[np.int16]:
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)])
