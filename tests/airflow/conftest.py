"""Airflow reads its folder and takes over logging at its first import, so that happens here, before any test module."""

import atexit
import logging
import os
import shutil
import tempfile
from typing import Any

import pytest

_home = tempfile.mkdtemp(prefix="airflow-home-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ["AIRFLOW_HOME"] = _home

_handlers, _level = logging.root.handlers[:], logging.root.level
import airflow  # noqa: E402, F401

# its handlers would write to the closed output of an earlier test
logging.root.handlers[:] = _handlers
logging.root.setLevel(_level)

with pytest.MonkeyPatch.context() as _patch:  # the routes of every area, for the matrices of rights
    _patch.setattr("include.call_centre.schedule.IS_CONFIGURED", True)
    import plugins.web.app
    import plugins.web.models.models_app  # noqa: F401


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The questions to people that reached Airflow."""
    questions: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **question: questions.append(question)
    )
    return questions
