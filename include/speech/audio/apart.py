"""The cut and the encoding of pieces in processes that may die (`expendable_process.py`).

A recording is foreign data, and decoders have faults. Here they meet no secret, and a recording that needs too much
memory or time, or kills its decoder, costs an attempt of this recording and no task.
"""

from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

# Their first use would import them: in each worker again, where a limit of memory shows as an ImportError.
import av.subtitles.stream  # noqa: F401
import numpy.fft
import numpy.ma  # noqa: F401

from include.common.errors import ErrorCode
from include.common.expendable_process import Limits, results_of
from include.speech.audio.cutting import cut
from include.speech.audio.decoding import MAX_SECONDS
from include.speech.audio.encoding import encoded_pieces
from include.speech.audio.pieces import CutPolicy
from include.speech.cuts import Cut, Piece, UploadFormat

# An hour of a stereo call takes 88 MB, 23 MB of them above the server's own, and 12 s on a quiet machine.
_MEMORY_MB = 512
_CPU_SEC, _CPU_SEC_PER_HOUR = 60, 60
_TIMES_THE_PORTALS, _AND_SECONDS = 3, 3600.0  # the portal counts some calls from another moment, or to another


def longest_recording(portal_sec: float) -> float:
    """Seconds that are decoded of the recording of a call that lasted `portal_sec` by the portal."""
    return min(MAX_SECONDS, _TIMES_THE_PORTALS * portal_sec + _AND_SECONDS)


def cut_apart(path: Path, policy: CutPolicy, *, most_seconds: float) -> Cut:
    """As `cut`. Raises also Permanent(audio_limits) and Temporary(decoding_died)."""
    arguments = {"path": str(path.absolute()), "policy": asdict(policy), "most_seconds": most_seconds}
    with closing(results_of(_cut, arguments, _limits(most_seconds), code=ErrorCode.AUDIO_LIMITS)) as results:
        return Cut.from_json(next(results))


@contextmanager
def pieces_apart(
    path: Path,
    cut: Cut,
    upload_format: UploadFormat,
    *,
    folder: Path,
    skip: Collection[str] = (),
) -> Iterator[Iterator[tuple[Piece, Path]]]:
    """As `encoded_pieces`. Raises also Permanent(audio_limits) and Temporary(decoding_died)."""
    if all(piece.key(upload_format) in skip for piece in cut.pieces):
        yield iter(())
        return
    arguments = {
        "path": str(path.absolute()),
        "cut": cut.as_json(),
        "upload_format": upload_format,
        "folder": str(folder.absolute()),
        "skip": sorted(skip),
    }
    with closing(results_of(_encode, arguments, _limits(cut.info.seconds), code=ErrorCode.AUDIO_LIMITS)) as results:
        yield ((cut.pieces[number], folder / name) for number, name in results)


def _limits(seconds: float) -> Limits:
    return Limits(cpu_sec=int(_CPU_SEC + _CPU_SEC_PER_HOUR * seconds / 3600), memory_mb=_MEMORY_MB)


def _cut(path: str, policy: dict[str, Any], most_seconds: float) -> Iterator[dict[str, Any]]:
    yield cut(Path(path), CutPolicy(**policy), most_seconds=most_seconds).as_json()


def _encode(
    path: str, cut: dict[str, Any], upload_format: UploadFormat, folder: str, skip: list[str]
) -> Iterator[tuple[int, str]]:
    whole = Cut.from_json(cut)
    numbers = {piece: number for number, piece in enumerate(whole.pieces)}
    with encoded_pieces(Path(path), whole, upload_format, folder=Path(folder), skip=set(skip)) as files:
        for piece, file in files:
            yield numbers[piece], file.name
