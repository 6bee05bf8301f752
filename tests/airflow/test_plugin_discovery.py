"""Airflow loads the one file that declares the plugin, and nothing of what the tasks import."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from airflow._shared.module_loading.file_discovery import find_path_from_directory

from ops.settings.profile import REPOSITORY

# the warning is Airflow's own
pytestmark = pytest.mark.filterwarnings("ignore:GitWildMatchPattern:DeprecationWarning")

PLUGIN = "airflow_plugin.py"
# what a process that loads plugins must not pay for: the tasks' modules, their clients and the web application
COSTLY = {"av", "boto3", "httpx2", "matplotlib", "numpy", "openai", "phonenumbers", "psycopg", "typst"}
LOAD = """
import json, sys
from airflow import plugins_manager
before = set(sys.modules)
plugins_manager.ensure_plugins_loaded()
print(json.dumps([sorted(set(sys.modules) - before), plugins_manager.get_import_errors()]))
"""


def found(folder: Path) -> list[str]:
    paths = find_path_from_directory(folder, ".airflowignore", "glob")
    return sorted(str(Path(path).relative_to(folder)) for path in paths if path.endswith(".py"))


def test_discovery_finds_exactly_the_plugin() -> None:
    assert found(REPOSITORY / "plugins") == [PLUGIN]


@pytest.mark.parametrize("new", ["helpers.py", "sales/tasks.py", "sales/airflow_plugin_helpers.py"])
def test_a_new_file_is_not_found(tmp_path: Path, new: str) -> None:
    """An allow list: a file that is not listed is not loaded."""
    shutil.copytree(REPOSITORY / "plugins", tmp_path / "plugins")
    file = tmp_path / "plugins" / new
    file.parent.mkdir(exist_ok=True)
    file.touch()
    assert found(tmp_path / "plugins") == [PLUGIN]


def test_loading_the_plugins_imports_nothing_costly(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "PYTHONPATH": str(REPOSITORY),
    }
    command = [sys.executable, "-c", LOAD]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    modules, errors = json.loads(done.stdout.splitlines()[-1])
    assert errors == {}
    assert "plugins.airflow_plugin" in modules or "airflow_plugin" in modules
    assert COSTLY & {name.split(".")[0] for name in modules} == set()
    assert not [name for name in modules if name.startswith(("plugins.calls", "plugins.web.app", "include.calls"))]
