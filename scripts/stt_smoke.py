"""`python scripts/stt_smoke.py --playlist <file> --report <file>`: `jobs.stt_smoke` in the project's environment."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = str(ROOT / ".venv" / "bin" / "python")

if __name__ == "__main__":
    os.execv(PYTHON, [PYTHON, "-m", "ops", "stt-smoke", "--", *sys.argv[1:]])  # noqa: S606 - no shell: the caller's own argv
