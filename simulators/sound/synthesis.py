"""Speech by espeak-ng: a person can listen to the recordings of the simulators."""

import ctypes
import threading
from dataclasses import dataclass
from functools import cache, lru_cache

import av
import espeakng_loader
import numpy as np
import numpy.typing as npt

RATE = 8000  # telephone speech
Samples = npt.NDArray[np.int16]

# espeak-ng's speak_lib.h
_SYNCHRONOUS = 2
_CHARS_UTF8 = 1
_SPEED, _PITCH = 1, 3
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True, slots=True)
class Voice:
    """`name` as espeak-ng knows it; `pitch` 0..100; `speed` in words per minute."""

    name: str = "ru"
    pitch: int = 50
    speed: int = 170


class _Synthesiser:
    """The library has one state per process and is not thread-safe, hence the lock."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._lock = threading.Lock()
        self._pieces: list[Samples] = []
        self._callback = _Callback(self._take)
        self.rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
        if self.rate <= 0:
            raise RuntimeError("espeak-ng found no voices in the data of espeakng-loader")
        self._library.espeak_SetSynthCallback(self._callback)

    def _take(self, wave: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        if wave and count > 0:
            self._pieces.append(np.ctypeslib.as_array(wave, (count,)).copy())
        return 0

    def say(self, text: str, voice: Voice) -> Samples:
        """Mono samples at `self.rate`. Raises ValueError for a voice that espeak-ng does not have."""
        with self._lock:
            self._pieces.clear()
            if self._library.espeak_SetVoiceByName(voice.name.encode()) != 0:
                raise ValueError(f"espeak-ng has no voice {voice.name!r}")
            self._library.espeak_SetParameter(_SPEED, voice.speed, 0)
            self._library.espeak_SetParameter(_PITCH, voice.pitch, 0)
            data = text.encode()
            self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _CHARS_UTF8, None, None)
            return np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.int16)


_first = threading.Lock()  # `cache` alone lets threads that ask at once make one each, and the library crashes


def _synthesiser() -> _Synthesiser:
    with _first:
        return _only_synthesiser()


@cache
def _only_synthesiser() -> _Synthesiser:
    return _Synthesiser()


@lru_cache(maxsize=512)
def say(text: str, voice: Voice) -> Samples:
    """Mono speech at 8 kHz. The array is cached: do not change it."""
    synthesiser = _synthesiser()
    frame = av.AudioFrame.from_ndarray(synthesiser.say(text, voice)[np.newaxis, :], format="s16", layout="mono")
    frame.sample_rate = synthesiser.rate
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    parts = [part.to_ndarray()[0] for part in (*resampler.resample(frame), *resampler.resample(None))]
    return np.concatenate(parts).astype(np.int16)
