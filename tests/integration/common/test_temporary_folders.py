"""Recordings in the system's temporary folder end with their task, a killed one too."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.common.temporary_folders import orphans, temporary_folder
from tests.kit.paths import ROOT

HOLD = """
import sys
from include.common.temporary_folders import temporary_folder
with temporary_folder() as folder:
    (folder / "audio.mp3").write_bytes(b"personal")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def system_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's temporary folder, for this test and the processes it starts."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def another_task() -> "Iterator[tuple[subprocess.Popen[str], Path]]":
    """A process with a recording in its folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def test_a_killed_tasks_folder_goes_when_the_next_one_is_made(
    another_task: "tuple[subprocess.Popen[str], Path]",
) -> None:
    process, folder = another_task
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (folder / "audio.mp3").exists()
    assert list(orphans()) == [folder]
    with temporary_folder():
        assert not folder.exists()
    assert list(orphans()) == []


def test_a_living_tasks_folder_is_left_alone(another_task: "tuple[subprocess.Popen[str], Path]") -> None:
    _, folder = another_task
    with temporary_folder() as own, temporary_folder():
        assert (folder / "audio.mp3").read_bytes() == b"personal"
        assert own.exists()
        assert list(orphans()) == []


def test_a_folder_is_private_and_always_removed(system_folder: Path) -> None:
    """Mode 0700; a failure inside removes it as well."""

    def fails() -> None:
        with temporary_folder() as folder:
            assert folder.stat().st_mode & 0o777 == 0o700
            (folder / "audio.mp3").write_bytes(b"personal")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fails()
    assert list(system_folder.iterdir()) == []


def test_a_planted_link_is_not_followed(system_folder: Path, tmp_path: Path) -> None:
    """Another user may create a link under such a name."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "theirs.txt").write_text("theirs")
    (system_folder / "call-export-task-planted").symlink_to(elsewhere)
    (system_folder / "call-export-task-file").write_text("theirs")
    with temporary_folder():
        assert (elsewhere / "theirs.txt").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give a folder away")
def test_another_users_folder_is_left_alone(system_folder: Path) -> None:
    theirs = system_folder / "call-export-task-theirs"
    theirs.mkdir()
    os.chown(theirs, 12345, 12345)
    with temporary_folder():
        assert theirs.exists()


def test_a_new_folder_is_never_taken_for_an_orphan() -> None:
    """Between its creation and its lock a folder looks like an orphan."""
    failed: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(50):
                with temporary_folder() as folder:
                    (folder / "audio.mp3").write_bytes(b"personal")
        except OSError as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
