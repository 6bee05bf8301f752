"""Folders for the servers that tests start."""

import shutil
import tempfile
from pathlib import Path

IN_MEMORY = Path("/dev/shm")
NEEDED_BYTES = 4 << 30


def with_room() -> Path:
    """Memory, if there is room in it."""
    roomy = IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > NEEDED_BYTES
    return IN_MEMORY if roomy else Path(tempfile.gettempdir())


def server_folder(prefix: str) -> Path:
    """A new folder, in memory where there is room: a database of a test's own is made there in a tenth of the time.

    PostgreSQL, started by root, drops to a user of its own, who must pass the folder: pytest's own folders let nobody
    pass. A unix socket's path has to stay under 108 characters, so the folder is at the top.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=with_room()))
    folder.chmod(0o755)
    return folder
