"""Folders that tests read: the repository, the recorded data beside the tests, the shared recordings outside."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
SHARED_DATA = ROOT.parent / "shared" / "data"
