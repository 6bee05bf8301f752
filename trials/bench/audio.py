"""`python -m trials.bench.audio`: the tables of docs/audio.md on real recordings, requests, time and memory.

Time and memory are measured in a separate process; this one makes the file.
"""

import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import av

from include.speech.audio.cutting import cut
from include.speech.audio.encoding import encoded_pieces
from include.speech.audio.pieces import CutPolicy
from include.speech.cuts import Cut
from simulators.sound import dialogues
from simulators.sound.numbered_words import dialogue, record

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "audio"
_LONG_MINUTES = (60, 180)
_MICROSECONDS = 1_000_000


def main() -> None:
    print_table(
        "Real recordings", ("file", "codec", "Hz", "container's s", "decoded s", "layout", "pieces"), recordings()
    )
    print_table("Requests and seconds", ("calls", "minutes", "requests per hour", "sent", "billed"), requests())
    print_table("Time and memory, stereo mp3", ("minutes", "step", "s", "CPU s", "peak MB", "pieces"), costs())


def print_table(title: str, head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    lines = [f"### {title}", "", f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(map(str, row))} |" for row in rows]
    sys.stdout.write("\n".join(lines) + "\n\n")
    sys.stdout.flush()


def recordings() -> Iterator[tuple[object, ...]]:
    for path in sorted(RECORDINGS.glob("[!b]*")):
        with av.open(str(path)) as container:
            claimed = (container.duration or 0) / _MICROSECONDS
        found = cut(path, CutPolicy())
        info = found.info
        codec = f"{info.codec}, {info.channels} ch"
        yield (
            path.name,
            codec,
            info.rate,
            f"{claimed:.2f}",
            f"{info.seconds:.2f}",
            found.channel_layout,
            len(found.pieces),
        )


def requests() -> Iterator[tuple[object, ...]]:
    """`sent` and `billed` are shares of the call's length; the service rounds each request up to a whole second."""
    with tempfile.TemporaryDirectory() as folder:
        for name, path in _calls(Path(folder)):
            found = cut(path, CutPolicy())
            seconds = found.info.seconds
            sent = sum(piece.seconds for piece in found.pieces)
            per_hour = round(len(found.pieces) / seconds * 3600)
            yield (
                name, f"{seconds / 60:.1f}", per_hour, f"{sent / seconds:.2f}", f"{billed(found) / seconds:.2f}"
            )  # fmt: skip


def billed(found: Cut) -> int:
    """Seconds that the service bills."""
    return sum(math.ceil(piece.seconds) for piece in found.pieces)


def _calls(folder: Path) -> Iterator[tuple[str, Path]]:
    yield "real, stereo", RECORDINGS / "en_lca_auto_repairs_40_stereo_8k.wav"
    yield "real, mono", RECORDINGS / "en_pca_auto0_call_mono.wav"
    spoken = folder / "spoken.mp3"
    spoken.write_bytes(dialogues.record(1, seconds=60, extension="mp3"))
    yield "questions and answers, stereo", spoken
    for name, stereo, words, pauses in (
        ("long turns, stereo", True, (1, 25), (0.35, 1.4)),
        ("long turns, mono", False, (1, 25), (0.35, 1.4)),
        ("quick exchange, stereo", True, (1, 6), (0.2, 1.0)),
    ):
        said = dialogue(600, turn_words=words, between_turns=pauses, talk_over=0.15 if stereo else 0)
        yield name, record(folder / f"{len(name)}.wav", said, 600, stereo=stereo)


def costs() -> Iterator[tuple[object, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        for minutes in _LONG_MINUTES:
            path = Path(folder) / f"{minutes}.mp3"
            record(path, dialogue(minutes * 60, talk_over=0.15), minutes * 60, stereo=True)
            for step in ("cut", "cut and encode"):
                command = [sys.executable, "-m", "trials.bench.audio", step, str(path), folder]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                yield minutes, step, *done.stdout.split()


def cost(step: str, path: Path, folder: Path) -> None:
    """Prints seconds, CPU seconds, peak in MB (about 50 are the interpreter and libraries), pieces."""
    began, worked = time.perf_counter(), time.process_time()
    found = cut(path, CutPolicy())
    if step != "cut":
        with encoded_pieces(path, found, "flac", folder=folder) as files:
            for _ in files:
                pass
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    status = Path("/proc/self/status").read_text().splitlines()  # ru_maxrss starts with the parent's value
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    sys.stdout.write(f"{seconds:.2f} {processor:.2f} {peak / 1024:.0f} {len(found.pieces)}\n")


if __name__ == "__main__":
    if sys.argv[1:]:
        cost(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
