"""Builds `.venv` from the locked requirements; run by a bare `python3`, so standard library only.

    python3 ops/one_machine/bootstrap.py [dev]

A stamp holds the lock file's hash: when nothing has changed, this returns at once.
"""

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
NO_VENV = (
    "python3 не умеет создавать виртуальные окружения: нет ensurepip, pip, uv и virtualenv; "
    "поставьте пакет python3-venv или python3-pip."
)


def main(kind: str) -> int:
    # pip asks `rustc` for its version, and rustup's stand-in for it would make itself a home in HOME
    os.environ.setdefault("RUSTUP_HOME", str(REPOSITORY / "var" / "cache" / "rustup"))
    lock = REPOSITORY / ("requirements-dev.txt" if kind == "dev" else "requirements.txt")
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = VENV / f"installed-{kind}"
    if PYTHON.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return 0
    if sys.version_info < (3, 11):  # noqa: UP036 - this runs on whatever python3 is there
        return _refuse(f"нужен Python 3.11 или новее, а здесь {sys.version.split()[0]}.")
    if not _works(PYTHON, "-c", "import sys") and not _create_venv():
        return _refuse(NO_VENV)
    print(f"Ставлю зависимости из {lock.name} в .venv: в первый раз это минуты...", flush=True)
    if not _install(lock):
        return _refuse("зависимости не установились: причина выше; проверьте доступ к PyPI (настройки pip действуют).")
    stamp.write_text(wanted, encoding="utf-8")
    return 0


def _create_venv() -> bool:
    """With pip inside where ensurepip exists (Debian splits it off), else without, for a pip from elsewhere."""
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
    """A command that installs into `.venv` when `install ...` is added: its own pip, an outer uv or an outer pip."""
    if _works(PYTHON, "-m", "pip", "--version"):
        return [str(PYTHON), "-m", "pip"]
    if shutil.which("uv"):
        return ["uv", "pip"]
    outer = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    return outer if _works(*outer, "--version") else None


def _install(lock: Path) -> bool:
    """By uv (three times as fast); by pip, with the machine's own pip settings, where uv cannot reach its index."""
    installer = _installer()
    if installer is None:
        return False
    environment = os.environ | {"VIRTUAL_ENV": str(VENV), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment |= {"UV_SYSTEM_CERTS": "true"}  # as pip has it: a company's own authority is known to the system
    environment |= {"UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(REPOSITORY / "var" / "uv-cache"))}
    hashed = ["install", "--require-hashes", "-r", str(lock)]
    own_uv = VENV / "bin" / "uv"
    if own_uv.exists() or _works(*installer, "install", "-q", UV, environment=environment):
        command = [str(own_uv), "pip", *hashed, "--quiet"]
        if subprocess.run(command, env=environment, cwd=REPOSITORY, check=False).returncode == 0:
            return True
        print("uv не справился, пробую pip...", flush=True)
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
