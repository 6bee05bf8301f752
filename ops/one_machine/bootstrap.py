"""Builds `.venv` from the locked requirements; runs on any `python3`, with the standard library only.

    python3 ops/one_machine/bootstrap.py [dev]

A stamp file holds the hash of the lock file: while that has not changed, the script does nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
VENV = REPOSITORY / ".venv"
PYTHON = VENV / "bin" / "python"
UV = "uv>=0.9,<1"

sys.path.insert(0, str(REPOSITORY))  # a script's own folder is on the path, the repository is not
from ops.wording import launcher as wording  # noqa: E402


def main(kind: str) -> int:
    # pip runs `rustc --version`, and rustup's substitute for rustc would create its folder in HOME.
    os.environ.setdefault("RUSTUP_HOME", str(REPOSITORY / "var" / "cache" / "rustup"))
    lock = REPOSITORY / ("requirements-dev.txt" if kind == "dev" else "requirements.txt")
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = VENV / f"installed-{kind}"
    if PYTHON.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return 0
    if sys.version_info < (3, 11):  # noqa: UP036 - this script runs on any python3
        return _refuse(wording.PYTHON_TOO_OLD.format(version=sys.version.split()[0]))
    if not _works(PYTHON, "-c", "import sys") and not _create_venv():
        return _refuse(wording.NO_VENV)
    print(wording.INSTALLING.format(lock=lock.name), flush=True)
    if not _install(lock):
        return _refuse(wording.NOT_INSTALLED)
    stamp.write_text(wanted, encoding="utf-8")
    return 0


def _create_venv() -> bool:
    """Contains pip where ensurepip exists (Debian packages it apart); otherwise a pip outside of `.venv` installs."""
    python = sys.executable
    attempts = (
        [python, "-m", "venv", "--clear", str(VENV)],
        ["uv", "venv", "--clear", "--python", python, str(VENV)],
        [python, "-m", "virtualenv", "--clear", str(VENV)],
        ["virtualenv", "--clear", "-p", python, str(VENV)],
        [python, "-m", "venv", "--clear", "--without-pip", str(VENV)],
    )
    return any(_works(*attempt) for attempt in attempts) and _installer() is not None


def _installer() -> list[str] | None:
    """The command that installs into `.venv` when `install ...` follows: its own pip, or the machine's uv or pip."""
    if _works(PYTHON, "-m", "pip", "--version"):
        return [str(PYTHON), "-m", "pip"]
    if shutil.which("uv"):
        return ["uv", "pip"]
    outer = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    return outer if _works(*outer, "--version") else None


def _install(lock: Path) -> bool:
    """Installs by uv (three times as fast), or by pip with the machine's pip settings where uv fails."""
    installer = _installer()
    if installer is None:
        return False
    environment = os.environ | {"VIRTUAL_ENV": str(VENV), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment |= {"UV_SYSTEM_CERTS": "true"}  # as pip does: the system knows the company's certificate authority
    environment |= {"UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(REPOSITORY / "var" / "uv-cache"))}
    hashed = ["install", "--require-hashes", "-r", str(lock)]
    own_uv = VENV / "bin" / "uv"
    if own_uv.exists() or _works(*installer, "install", "-q", UV, environment=environment):
        command = [str(own_uv), "pip", *hashed, "--quiet"]
        if subprocess.run(command, env=environment, cwd=REPOSITORY, check=False).returncode == 0:
            return True
        print(wording.UV_FAILED, flush=True)
    return subprocess.run([*installer, *hashed, "-q"], env=environment, cwd=REPOSITORY, check=False).returncode == 0


def _works(*command: object, environment: dict[str, str] | None = None) -> bool:
    try:
        done = subprocess.run([str(part) for part in command], env=environment, capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return done.returncode == 0


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main("dev" if "dev" in sys.argv[1:] else "run"))
