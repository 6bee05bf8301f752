"""Where one profile of the system keeps its files: everything is below `var/<profile>` of the repository.

Profiles share nothing: the demo has its own databases, secrets, logs and files.
"""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from include.common.errors import NotConfigured

REPOSITORY = Path(__file__).resolve().parents[2]
SOCKET_PATH_LIMIT = 90  # bytes; the kernel allows 108, and supervisord adds a suffix while it binds


@dataclass(frozen=True)
class Runtime:
    """The folders of a profile; `make()` creates them."""

    profile: str = "main"
    root: Path = REPOSITORY

    @property
    def home(self) -> Path:
        return self.root / "var" / self.profile

    @property
    def airflow_home(self) -> Path:
        return self.home / "airflow"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def postgres(self) -> Path:
        return self.home / "pg"

    @property
    def storage(self) -> Path:
        return self.home / "storage"

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def env_file(self) -> Path:
        """The profile's settings: `.env` of the repository for `main`, a file of its own for others."""
        return self.root / ".env" if self.profile == "main" else self.home / "settings.env"

    @property
    def supervisor_config(self) -> Path:
        return self.home / "supervisord.conf"

    @property
    def supervisor_socket(self) -> Path:
        """In the profile's folder, or in a short temporary one where the path is too long for a unix socket."""
        path = self.home / "supervisor.sock"
        return path if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT else short_folder() / f"{self.fingerprint}.sock"

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]

    @property
    def schedule_held(self) -> Path:
        """While this file exists, the DAG has no schedule: no person has said yet that it may spend."""
        return self.home / "schedule_held"

    @property
    def schedule_allowed(self) -> Path:
        """Exists since a person has let the schedule go."""
        return self.home / "schedule_allowed"

    def make(self) -> None:
        # Not 0700: PostgreSQL, started by root, passes these folders as its own user. Files with secrets are 0600.
        for folder in (self.home, self.airflow_home, self.logs, self.cache):
            folder.mkdir(parents=True, exist_ok=True)
        self.logs.chmod(0o700)


def short_folder() -> Path:
    """A folder with a short path that only this user can enter, for unix sockets and locks."""
    folder = Path(tempfile.gettempdir()) / f"call-export-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise NotConfigured(
            f"{folder} belongs to another user: remove it or set TMPDIR", problem="foreign_folder", folder=folder
        )
    return folder
