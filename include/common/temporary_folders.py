"""Folders for what a task has in hand: recordings and texts of strangers, gone with the task even if it was killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "call-export-task-"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for this user alone (0700) in the system's temporary one, removed with all that is in it.

    Its lock ends with its process, however that ends, so whoever makes the next folder knows the orphans by it and
    removes them.
    """
    for orphan in orphans():
        shutil.rmtree(orphan, ignore_errors=True)
    folder, lock = _locked_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def orphans() -> Iterator[Path]:
    """This user's folders whose process is dead. Each stays locked until the next one is asked for."""
    for folder in sorted(Path(tempfile.gettempdir()).glob(f"{_PREFIX}*")):
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:  # gone meanwhile, or planted by somebody else
            continue
        try:
            if os.fstat(lock).st_uid == os.getuid() and _free(lock):
                yield folder
        finally:
            os.close(lock)


def _locked_folder() -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:  # another one's search took the new folder, not locked yet, for an orphan
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder, lock
        os.close(lock)


def _free(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
