"""Builds `.venv` from the locked requirements; runs on any `python3`, with the standard library only.

    python3 ops/one_machine/bootstrap.py [dev | models | cluster | sales | stt | docs | cluster-tests]

`sales` adds what `make sales-demo` needs. `stt` builds `.venv-stt`, with a real recogniser for trials, `docs` builds
`.venv-docs`, with what makes the site of the documents, `cluster-tests` builds `.venv-cluster`, with Celery, Kubernetes
and OpenLineage for tests; all three leave `.venv` alone.

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
VENV, TRIAL_VENV = REPOSITORY / ".venv", REPOSITORY / ".venv-stt"
KINDS = {
    "run": ("requirements-one-machine.txt", VENV),
    "models": ("requirements-models.txt", VENV),
    "cluster": ("requirements-cluster.txt", VENV),
    "dev": ("requirements-dev.txt", VENV),
    "sales": ("requirements-sales-demo.txt", VENV),
    "stt": ("requirements-stt.txt", TRIAL_VENV),
    "cluster-tests": ("requirements-cluster-tests.txt", REPOSITORY / ".venv-cluster"),
    "docs": ("requirements-docs.txt", REPOSITORY / ".venv-docs"),
}
UV_LOCK = "requirements-uv.txt"  # uv installs what is hashed, so it is hashed itself

sys.path.insert(0, str(REPOSITORY))  # a script's own folder is on the path, the repository is not
from ops.wording import launcher as wording  # noqa: E402


def main(kind: str) -> int:
    # pip runs `rustc --version`, and rustup's substitute for rustc would create its folder in HOME.
    os.environ.setdefault("RUSTUP_HOME", str(REPOSITORY / "var" / "cache" / "rustup"))
    name, venv = KINDS[kind]
    lock = REPOSITORY / name
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = venv / f"installed-{kind}"
    if _python(venv).exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return 0
    if sys.version_info < (3, 11):  # noqa: UP036 - this script runs on any python3
        return _refuse(wording.PYTHON_TOO_OLD.format(version=sys.version.split()[0]))
    if not _works(_python(venv), "-c", "import sys") and not _create(venv):
        return _refuse(wording.NO_VENV)
    print(wording.INSTALLING.format(lock=lock.name, venv=venv.name), flush=True)
    if not _install(lock, venv):
        return _refuse(wording.NOT_INSTALLED)
    stamp.write_text(wanted, encoding="utf-8")
    return 0


def _python(venv: Path) -> Path:
    return venv / "bin" / "python"


def _create(venv: Path) -> bool:
    """Contains pip where ensurepip exists (Debian packages it apart); otherwise a pip outside of `venv` installs."""
    python = sys.executable
    attempts = (
        [python, "-m", "venv", "--clear", str(venv)],
        ["uv", "venv", "--clear", "--python", python, str(venv)],
        [python, "-m", "virtualenv", "--clear", str(venv)],
        ["virtualenv", "--clear", "-p", python, str(venv)],
        [python, "-m", "venv", "--clear", "--without-pip", str(venv)],
    )
    return any(_works(*attempt) for attempt in attempts) and _installer(venv) is not None


def _installer(venv: Path) -> list[str] | None:
    """The command that installs into `venv` when `install ...` follows: its own pip, or the machine's uv or pip."""
    python = _python(venv)
    if _works(python, "-m", "pip", "--version"):
        return [str(python), "-m", "pip"]
    if shutil.which("uv"):
        return ["uv", "pip"]
    outer = [sys.executable, "-m", "pip", "--python", str(python)]
    return outer if _works(*outer, "--version") else None


def _install(lock: Path, venv: Path) -> bool:
    """Installs by uv (three times as fast), or by pip with the machine's pip settings where uv fails."""
    installer = _installer(venv)
    if installer is None:
        return False
    environment = os.environ | {"VIRTUAL_ENV": str(venv), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment |= {"UV_SYSTEM_CERTS": "true"}  # as pip does: the system knows the company's certificate authority
    environment |= {"UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(REPOSITORY / "var" / "uv-cache"))}
    hashed = ["install", "--require-hashes", "-r", str(lock)]
    own_uv = venv / "bin" / "uv"
    uv = ["install", "-q", "--require-hashes", "-r", str(REPOSITORY / UV_LOCK)]
    if own_uv.exists() or _works(*installer, *uv, environment=environment):
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
    sys.exit(main(next((kind for kind in KINDS if kind in sys.argv[1:]), "run")))
