"""`python -m simulators.sound.smoke_playlist playlists/smoke_demo`: the demo playlist of the smoke test.

Calls of numbered words, which the simulated recogniser hears: nothing of it was ever said by a person.
"""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import numpy as np
import yaml
from av.audio.stream import AudioStream

from simulators.sound.numbered_words import Word, dialogue, monologue, record, sound
from simulators.sound.synthesis import RATE, Samples

_LABELS = ("Оператор", "Клиент")
_CODECS = {"flac": ("flac", "flac", "s16"), "mulaw": ("wav", "pcm_mulaw", "s16")}


@dataclass(frozen=True, slots=True)
class Demo:
    """One recording. `layout`: mono, stereo or dual_mono; `roles`: the operator's channel of a stereo one."""

    name: str
    file: str
    seconds: float
    layout: str = "mono"
    roles: str = "left"
    talk_over: float = 0.0
    speakers: int = 2
    codec: str = ""


DEMOS = (
    Demo("mono", "mono.mp3", 14),
    Demo("stereo", "stereo.mp3", 18, "stereo"),
    Demo("stereo-right", "stereo_right.mp3", 16, "stereo", roles="right"),
    Demo("stereo-at-once", "stereo_at_once.mp3", 24, "stereo", talk_over=0.6),
    Demo("dual-mono", "dual_mono.mp3", 12, "dual_mono"),
    Demo("long", "long.mp3", 95),
    Demo("monologue", "monologue.mp3", 40, speakers=1),
    Demo("wav", "wav.wav", 6),
    Demo("flac", "flac.flac", 8, codec="flac"),
    Demo("mu-law", "mu_law.wav", 8, codec="mulaw"),
    Demo("ogg", "ogg.ogg", 10, "stereo"),
    Demo("m4a", "m4a.m4a", 10),
)


def main(folder: Path) -> None:
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    (folder / "expected" / "transcripts").mkdir(parents=True, exist_ok=True)
    entries = [_entry(folder, number, demo) for number, demo in enumerate(DEMOS, start=1)]
    entries += [_silent(folder), *_broken(folder)]
    head = {
        "name": "smoke_demo",
        "period": {"from": "2025-08-01", "to": "2025-08-31"},
        "engine": "stub",
        "language": "ru",
        "thresholds": {"wer": 0.0, "cer": 0.0, "role_error": 0.0, "cost_usd": 0.0, "seconds_per_minute": 60},
    }
    text = yaml.safe_dump(head | {"entries": entries}, allow_unicode=True, sort_keys=False)
    (folder / "playlist.yaml").write_text(_NOTE + text, encoding="utf-8")


_NOTE = (
    "# Синтезированные записи: слова пронумерованы, их слышит имитация распознавателя (движок stub).\n"
    "# Создан командой python -m simulators.sound.smoke_playlist playlists/smoke_demo\n"
)


def _entry(folder: Path, number: int, demo: Demo) -> dict[str, object]:
    words = _words(demo, seed=number)
    path = folder / "audio" / demo.file
    if demo.codec:
        _encode(path, np.concatenate(list(sound(words, demo.seconds, stereo=False)), axis=1), *_CODECS[demo.codec])
    elif demo.layout == "dual_mono":
        one = np.concatenate(list(sound(words, demo.seconds, stereo=False)), axis=1)
        _encode(path, np.repeat(one, 2, axis=0), "mp3", "libmp3lame", "s16p")
    else:
        record(path, words, demo.seconds, stereo=demo.layout == "stereo")
    text = folder / "expected" / "transcripts" / f"{demo.name}.txt"
    text.write_text(_lines(words, demo), encoding="utf-8")
    found = _named(f"demo-{demo.name}", str(9000 + number), path)
    found |= {"expected": f"expected/transcripts/{text.name}", "tags": [demo.layout, path.suffix[1:]]}
    return found | ({"operator_channel": demo.roles} if demo.roles != "left" else {})


def _words(demo: Demo, seed: int) -> Sequence[Word]:
    if demo.speakers == 1:
        return monologue(demo.seconds, seed=seed)
    return dialogue(demo.seconds, seed=seed, turn_words=(2, 7), talk_over=demo.talk_over)


def _lines(words: Sequence[Word], demo: Demo) -> str:
    """One line for each turn, as the product writes them."""
    lines, role = list[str](), -1
    for word in sorted(words, key=lambda word: word.start):
        speaker = word.speaker if demo.layout == "stereo" else 0
        if speaker != role:
            operator = 0 if demo.roles == "left" else 1
            label = _LABELS[speaker != operator] if demo.layout == "stereo" else "Собеседник"
            lines.append(f"[{label}]:")
            role = speaker
        lines[-1] += f" {word.number}"
    return "".join(f"{line}\n" for line in lines)


def _silent(folder: Path) -> dict[str, object]:
    path = folder / "audio" / "silent.flac"
    noise = np.random.default_rng(1).normal(0, 6, (1, 5 * RATE)).astype(np.int16)
    _encode(path, noise, "flac", "flac", "s16")
    (folder / "expected" / "transcripts" / "silent.txt").write_text("", encoding="utf-8")
    return _named("demo-silent", "9101", path) | {"expected": "expected/transcripts/silent.txt", "tags": ["silent"]}


def _broken(folder: Path) -> list[dict[str, object]]:
    broken, short = folder / "audio" / "broken.wav", folder / "audio" / "too_short.wav"
    broken.write_bytes(np.random.default_rng(2).bytes(4000))
    _encode(short, np.full((1, RATE // 20), 1000, np.int16), "wav", "pcm_s16le", "s16")
    return [
        _named("demo-broken", "9102", broken) | {"expect_error": "not_audio"},
        _named("demo-too-short", "9103", short) | {"expect_error": "audio_too_short"},
    ]


def _named(call_id: str, record_id: str, path: Path) -> dict[str, object]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"call_id": call_id, "record_id": record_id, "audio": f"audio/{path.name}", "sha256": digest}


def _encode(path: Path, samples: Samples, container: str, codec: str, sample_format: str) -> None:
    layout = "stereo" if len(samples) == 2 else "mono"
    with av.open(str(path), "w", format=container) as output:
        stream = cast(AudioStream, output.add_stream(codec, rate=RATE, layout=layout))
        planar = sample_format.endswith("p")
        packed = samples if planar else np.ascontiguousarray(samples.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(packed), sample_format, layout)
        frame.sample_rate, frame.pts = RATE, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
