"""A step of Airflow's own that fails says why where the operator looks: the log of a container dies with it."""

import os
from pathlib import Path

import pytest

from include.common.errors import ExportError
from ops.prepare import LINES_SHOWN, _airflow
from ops.settings.profile import Runtime


def test_c5_the_end_of_the_log_is_shown_when_a_command_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime = Runtime(root=tmp_path)
    runtime.make()
    (tmp_path / "airflow.py").write_text("print(*[f'line {n}' for n in range(99)], sep='\\n')\nraise SystemExit(3)")
    with pytest.raises(ExportError, match="airflow db migrate failed"):
        _airflow(["db", "migrate"], dict(os.environ), runtime)
    shown = capsys.readouterr().err.split("\n")
    assert shown[:LINES_SHOWN] == [f"line {number}" for number in range(99 - LINES_SHOWN, 99)]
