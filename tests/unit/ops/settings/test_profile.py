"""Folders and generated secrets of a profile."""

import json
import os
import stat
from pathlib import Path

import pytest

from include.common.errors import NotConfigured
from ops.settings.generated_secrets import generated, passwords_file
from ops.settings.profile import SOCKET_PATH_LIMIT, Runtime, short_folder


def made(tmp_path: Path, profile: str = "main") -> Runtime:
    runtime = Runtime(profile, tmp_path)
    runtime.make()
    return runtime


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_secrets_are_made_once_and_are_private(tmp_path: Path) -> None:
    runtime = made(tmp_path)
    first = generated(runtime)
    assert generated(runtime) == first
    assert len(set(vars(first).values())) == len(vars(first))
    assert {mode(file) for file in runtime.home.glob("*.json")} == {0o600}
    assert json.loads(passwords_file(runtime).read_text()) == {
        "admin": first.admin_password,
        "security": first.security_password,
        "tasks": first.tasks_password,
    }


def test_two_profiles_share_nothing(tmp_path: Path) -> None:
    main, demo = made(tmp_path), made(tmp_path, "demo")
    assert generated(main) != generated(demo)
    assert main.env_file == tmp_path / ".env"
    assert demo.env_file.is_relative_to(demo.home)
    assert not demo.home.is_relative_to(main.home)


def test_everything_lies_inside_the_repository(tmp_path: Path) -> None:
    runtime = Runtime("main", tmp_path)
    for folder in (runtime.airflow_home, runtime.logs, runtime.postgres, runtime.storage, runtime.cache):
        assert folder.is_relative_to(tmp_path / "var" / "main")


@pytest.mark.parametrize("depth", [1, 20])
def test_the_supervisors_socket_fits_in_a_deep_clone(tmp_path: Path, depth: int) -> None:
    runtime = Runtime("main", tmp_path.joinpath(*["folder-name"] * depth))
    assert len(os.fsencode(runtime.supervisor_socket)) <= SOCKET_PATH_LIMIT


def test_a_short_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"call-export-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotConfigured, match="TMPDIR"):
        short_folder()
