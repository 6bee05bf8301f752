"""`bootstrap.py` runs on the machine's own python3, whatever its version, and refuses an old one in one sentence."""

import ast
import sys
from pathlib import Path

import pytest

from ops.one_machine import bootstrap
from ops.wording import launcher as wording
from tests.kit.paths import ROOT


@pytest.mark.parametrize(
    "file", ["ops/one_machine/bootstrap.py", "ops/wording/launcher.py", "ops/wording/__init__.py", "ops/__init__.py"]
)
def test_an_old_python_can_read_it(file: str) -> None:
    ast.parse((ROOT / file).read_text(encoding="utf-8"), feature_version=(3, 8))


def test_an_old_python_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(bootstrap.KINDS, "run", ("requirements.txt", tmp_path))
    with monkeypatch.context() as old:
        old.setattr(sys, "version", "3.9.2 (default)")
        old.setattr(sys, "version_info", (3, 9, 2))
        assert bootstrap.main("run") == 1
    assert capsys.readouterr().err.strip() == wording.PYTHON_TOO_OLD.format(version="3.9.2")
