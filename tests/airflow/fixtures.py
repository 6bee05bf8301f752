"""The fixtures of the running system; a plugin of `tests/conftest.py`, so that Airflow starts once per test session."""

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.kit.server_folder import server_folder

if TYPE_CHECKING:
    from tests.airflow.system import System


@pytest.fixture(scope="session")
def _system() -> "Iterator[System]":
    from ops.settings.env_file import VARIABLES
    from tests.airflow.system import system_in  # here: most test sessions never ask for it

    root = server_folder("call-export-system-")
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES & set(os.environ):
            patch.delenv(name)
        with system_in(root) as system:
            yield system
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def system(_system: "System") -> "Iterator[System]":
    """The running system with everything configured, its simulators without faults."""
    yield _system.configured()
    _system.portal.faults.clear()
    _system.recogniser.faults.clear()


@pytest.fixture
def system_without_recogniser(_system: "System") -> "System":
    return _system.configured(without=("OPENAI_API_KEY", "OPENAI_BASE_URL", "CHATGPT_PROXY_URL", "REQUIRE_PROXY"))
