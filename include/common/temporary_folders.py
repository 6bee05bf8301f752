"""Folders for the files of a task: foreign recordings and texts, removed even after a task that was killed."""

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
    """A folder for this user alone (0700) in the system's temporary one, removed with all its files.

    Its lock ends with its process, even with a killed one: the next call of this function recognises orphans by their
    free locks and removes them.
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
    """This user's folders whose process is dead. Each stays locked until the next one is taken."""
    for folder in sorted(Path(tempfile.gettempdir()).glob(f"{_PREFIX}*")):
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:  # removed meanwhile, or created by another user
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
        except (
            FileNotFoundError
        ):  # another process found the new folder before it was locked, and removed it as an orphan
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
