"""Voice detection: one `VoiceDetector` per channel reads the stream and keeps a few numbers per frame.

It is WebRTC's detector (ADR 0004), which misses speech below about -45 dBFS and takes ring tones and music for speech.
So each channel is amplified to a usual level first, and rules remove quiet frames, steady tones and music afterwards.
Sound that is not speech by these rules may still be speech: `speech_model` decides on it.
"""

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from include.speech.audio.frames import FRAME_MS, Bools, Floats, closed, frames_in, runs
from include.speech.audio.music import still, without_music

PAUSE_SEC = 0.3  # shorter silence is part of speech

_AGGRESSIVENESS = 3  # of 0..3: on real calls 2 finds no more speech and 1.5 times the noise
_USUAL_DB = -20.0
_MAX_GAIN_DB = 40.0  # amplifies speech at -60 dBFS to the usual level
_ABOVE_FLOOR_DB = 6.0
_BELOW_LEVEL_DB = 12.0  # without pauses the "floor" is speech itself
_STEADY_DB = 6.0  # with less between quiet and loud frames the channel holds no speech; syllables make 15
_DIGITAL_SILENCE_DB = -90.0
_LEAST_DB = -75.0  # the detector falls late: after a loud sound it takes the last bits of a codec for speech
_TONE_SHARE = 0.85  # of a frame's power in its two strongest peaks
_TONE_STEADY_DB = 1.0  # from frame to frame
_TONE_MIN_FRAMES = 5  # 0.15 s of one pitch at one loudness
_TONE_BEFORE, _TONE_AFTER = 2, 3  # codecs blur the edges of a tone
_TONE_HOLES = 1
_TONE_FROM_HZ = 100


class VoiceDetector:
    """Fed with one channel; memory grows by 9 bytes per 30 ms."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._size = rate * FRAME_MS // 1000
        self._vad = webrtcvad.Vad(_AGGRESSIVENESS)
        self._voiced: list[Bools] = []
        self._db: list[Floats] = []
        self._tonal: list[Bools] = []
        self._peak_bin: list[NDArray[np.int16]] = []
        self._still: list[NDArray[np.int8]] = []
        self._sounding: list[Bools] = []
        self._loudest_db = _USUAL_DB - _MAX_GAIN_DB

    def add(self, samples: NDArray[np.int16]) -> None:
        """`samples` of one block; only the last block may end inside a frame."""
        padded = np.pad(samples, (0, -len(samples) % self._size))
        frames = padded.reshape(-1, self._size)
        power = np.square(frames, dtype=np.float32).mean(axis=1) / 32768.0**2
        db = np.maximum(10 * np.log10(power + 1e-12), _DIGITAL_SILENCE_DB).astype(np.float32)
        self._db.append(db)
        self._loudest_db = max(self._loudest_db, float(np.percentile(db, 95)))
        voiced = self._detect(frames)
        self._voiced.append(voiced)
        self._still.append(still(padded, voiced, self._rate))
        sounding = voiced | (db > np.percentile(db, 10) + _ABOVE_FLOOR_DB)
        self._sounding.append(sounding)
        self._find_tones(frames, sounding & (np.abs(np.diff(db, prepend=db[:1])) < _TONE_STEADY_DB))

    @property
    def gain(self) -> float:
        """The factor >= 1 that amplifies this channel's speech to the usual level."""
        return float(10 ** (np.clip(_USUAL_DB - self._level(), 0.0, _MAX_GAIN_DB) / 20))

    def loudness(self) -> Floats:
        """dBFS of each frame."""
        return np.concatenate(self._db)

    def sounding(self) -> Bools:
        """Per frame: True if it is more than the noise of its half-minute."""
        return np.concatenate(self._sounding)

    def voice(self) -> Bools:
        """Per frame: True for speech and for music that WebRTC's detector takes for speech."""
        db = self.loudness()
        floor, loud = np.percentile(db, (10, 95))
        gate = floor + _ABOVE_FLOOR_DB
        if loud - floor >= _STEADY_DB:  # else noise, perhaps with speech in less than a twentieth of the time
            gate = min(gate, self._level() - _BELOW_LEVEL_DB)
        voice: Bools = np.concatenate(self._voiced) & (db > max(gate, _LEAST_DB)) & ~self._steady_tone()
        return voice

    def without_music(self, voice: Bools) -> Bools:
        """`voice` without what the rule on music takes for music."""
        return without_music(voice, np.concatenate(self._still), closed(runs(voice), frames_in(PAUSE_SEC)))

    def _level(self) -> float:
        """Loudness of the speech, dBFS: that of the voiced frames above the floor. If a person speaks for a minute of
        an hour, nearly all frames are noise, and so are many of the voiced ones."""
        db = self.loudness()
        voiced = db[np.concatenate(self._voiced) & (db > np.percentile(db, 10) + _ABOVE_FLOOR_DB)]
        return float(np.percentile(voiced, 95)) if voiced.size else _USUAL_DB

    def _detect(self, frames: NDArray[np.int16]) -> Bools:
        gain = 10 ** (max(0.0, _USUAL_DB - self._loudest_db) / 20)
        sound = np.clip(frames * np.float32(gain), -32768, 32767).astype(np.int16).tobytes()
        size = 2 * self._size  # bytes of a frame
        voiced = (self._vad.is_speech(sound[at : at + size], self._rate) for at in range(0, len(sound), size))
        return np.fromiter(voiced, dtype=np.bool_, count=len(frames))

    def _find_tones(self, frames: NDArray[np.int16], candidates: Bools) -> None:
        spectrum = np.fft.rfft(frames[candidates] * np.hanning(self._size).astype(np.float32))
        power = np.square(np.abs(spectrum))[:, _TONE_FROM_HZ * FRAME_MS // 1000 :]
        total = power.sum(axis=1) + 1e-9
        peak = power.argmax(axis=1)
        share = _take_peak(power, peak) + _take_peak(power, power.argmax(axis=1))
        tonal = candidates.copy()
        tonal[candidates] = share / total > _TONE_SHARE
        peak_bin = np.zeros(len(frames), dtype=np.int16)
        peak_bin[candidates] = peak
        self._tonal.append(tonal)
        self._peak_bin.append(peak_bin)

    def _steady_tone(self) -> Bools:
        peak = np.concatenate(self._peak_bin)
        unmoved = np.abs(np.diff(peak, prepend=peak[:1])) <= 1
        tone = np.concatenate(self._tonal) & unmoved
        held = np.zeros_like(tone)
        for start, end in closed(runs(tone), _TONE_HOLES):
            if end - start >= _TONE_MIN_FRAMES:
                held[max(0, start - _TONE_BEFORE) : end + _TONE_AFTER] = True
        return held


def _take_peak(power: NDArray[np.floating], peak: NDArray[np.intp]) -> NDArray[np.floating]:
    """The power around each frame's peak; it is set to zero in `power`."""
    rows = np.arange(len(power))
    taken = np.zeros(len(power), dtype=power.dtype)
    for offset in (-2, -1, 0, 1, 2):  # the width of a windowed tone
        column = np.clip(peak + offset, 0, power.shape[1] - 1)
        taken += power[rows, column]
        power[rows, column] = 0
    return taken
