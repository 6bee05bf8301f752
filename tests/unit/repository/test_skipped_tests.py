"""What `.ci/run` may leave out is a list with reasons: every other skipped test fails it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kit.paths import ROOT

CI = ROOT / ".ci"
LINES = (CI / "may_be_skipped").read_text(encoding="utf-8").splitlines()
PATTERNS = [line for line in LINES if not line.startswith("#")]


def closing_lines_pass(folder: Path, *lines: str) -> bool:
    """`.ci/run` of a repository whose `make test` prints these lines and succeeds."""
    (folder / ".ci").mkdir()
    for name in ("run", "may_be_skipped"):
        shutil.copy(CI / name, folder / ".ci" / name)
    programs, packages = folder / "programs", folder / ".venv" / "bin"
    programs.mkdir()
    packages.mkdir(parents=True)
    (folder / "printed").write_text("".join(f"{line}\n" for line in (*lines, "1 passed in 1s")), encoding="utf-8")
    silent = [programs / name for name in ("chromium", "soffice", "pdftoppm", "promtool", "amtool", "git", "apt-get")]
    for each in (*silent, packages / "detect-secrets-hook"):
        each.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    make = f'#!/bin/sh\ncase "$*" in *" test") cat "{folder}/printed" ;; esac\n'
    (programs / "make").write_text(make, encoding="utf-8")
    for each in (*programs.iterdir(), *packages.iterdir()):
        each.chmod(0o755)
    path = f"{programs}:/usr/bin:/bin"
    done = subprocess.run([folder / ".ci" / "run"], env={"PATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode == 0


@pytest.mark.parametrize(
    "line",
    [
        "SKIPPED [1] tests/airflow/test_kubernetes_executor.py:23: needs make test-cluster",
        "SKIPPED [32] tests/hearing/test_long_calls.py:48: takes about 20 minutes: HEARING=full",
    ],
)
def test_a_named_test_may_be_skipped(tmp_path: Path, line: str) -> None:
    assert closing_lines_pass(tmp_path, line)


@pytest.mark.parametrize(
    "line",
    [
        "SKIPPED [1] tests/airflow/test_notices.py:144: could not import 'apprise': No module named 'apprise'",
        "SKIPPED [1] tests/integration/trials/hosts/test_two_owners.py:21: Debian's pgbouncer is not installed",
        "SKIPPED [1] tests/unit/new.py:1: not today",
    ],
)
def test_any_other_skipped_test_fails(tmp_path: Path, line: str) -> None:
    named = "SKIPPED [1] tests/unit/repository/test_kubernetes.py:127: CHART_DIR names a folder with the official chart"
    assert not closing_lines_pass(tmp_path, named, line)


def test_each_named_one_has_its_reason_and_is_a_reason_of_some_test() -> None:
    """A pattern that no test gives any more would let another test pass by accident; an empty one lets all pass."""
    assert LINES[0].startswith("#")
    files = [*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "tests" / "kit").glob("*.py")]
    texts = "\n".join(file.read_text(encoding="utf-8") for file in files if file != Path(__file__))
    for pattern in PATTERNS:
        assert pattern
        assert re.search(pattern, texts), pattern
