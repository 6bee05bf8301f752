"""The wheel holds the folders of the repository below one package, and nothing of it needs their old names."""

import ast
import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.kit.paths import ROOT

_SPEC = importlib.util.spec_from_file_location("hatch_build", ROOT / "provider" / "hatch_build.py")
assert _SPEC is not None
assert _SPEC.loader is not None
hatch_build: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(hatch_build)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# what only the launcher imports, and what the image's own Airflow needs
NOT_IN_THE_WHEEL = {"pydantic-settings", "typer", "apache-airflow-providers-fab"}
FOREIGN = "raise ImportError('a package of another team')"
IMPORTED = """
import sys
import call_export.plugins.calls.tasks, call_export.plugins.distribution.provider_info
import call_export.include.calls.steps.publish, call_export.include.calls.steps.plan
from call_export.include.calls.reporting.markdown import *
from call_export.include.common.run_in_subprocess import run_in_subprocess
from call_export.include.common.money import *
print(sorted(name for name in sys.modules if name.partition(".")[0] in ("include", "plugins", "jobs", "dags")))
print(call_export.plugins.distribution.provider_info.get_provider_info()["connection-types"][0]["hook-class-name"])
print(run_in_subprocess(len, "abc"))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel's packages are, beside top-level packages of another team with our folders' names."""
    site = tmp_path_factory.mktemp("site")
    (site / "call_export").mkdir()
    list(hatch_build.move(ROOT, site / "call_export"))
    for name in ("include", "plugins"):
        (site / name).mkdir()
        (site / name / "__init__.py").write_text(FOREIGN)
    return site


def test_no_file_imports_an_old_name(installed: Path) -> None:
    left = []
    for file in (installed / "call_export").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [str(node.module)]
            left += [f"{file}: {name}" for name in names if name.partition(".")[0] in hatch_build.MOVED]
    assert left == []


def test_it_works_beside_foreign_packages_of_the_old_names(installed: Path) -> None:
    """A function in a process of its own, too: that process finds its module by its new name."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed), "AIRFLOW_HOME": str(installed / "home")}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED], env=environment, cwd=installed, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[]", "call_export.plugins.hooks.bitrix24.Bitrix24Hook", "3"]


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("from include.calls import names\n", "from call_export.include.calls import names\n"),
        (
            "def f():\n    from plugins.calls import tasks\n",
            "def f():\n    from call_export.plugins.calls import tasks\n",
        ),
        ("NAME = 'plugins.calls.tasks'\n", "NAME = 'call_export.plugins.calls.tasks'\n"),
        ("NAME = f'include.calls.steps.{step}'\n", "NAME = f'call_export.include.calls.steps.{step}'\n"),
        ("я = ('да', 'include.calls')\n", "я = ('да', 'call_export.include.calls')\n"),
        ("TEXT = 'plugins are not moved. include.x neither'\n", None),
        ("FILE = 'include/calls/policy.yaml'\n", None),
        ("from includes import x\nfrom .include import y\n", None),
    ],
)
def test_imports_and_whole_names_are_moved_and_nothing_else(source: str, wanted: str | None) -> None:
    assert hatch_build.moved(source, Path("a.py")) == (wanted or source)


def test_an_import_that_binds_the_top_package_is_refused() -> None:
    with pytest.raises(ValueError, match="write 'from"):
        hatch_build.moved("import include.calls\n", Path("a.py"))


def test_it_requires_what_the_lock_is_made_of() -> None:
    """Except Airflow's exact version, which is the owner's choice."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / "requirements.in").read_text().splitlines()]
    locked = {Requirement(line) for line in lines if line and not line.startswith("-")}
    named = {str(one) for one in locked if one.name not in NOT_IN_THE_WHEEL | {"apache-airflow"}}
    ours = {Requirement(line) for line in PROJECT["dependencies"]}
    assert {str(one) for one in ours if one.name != "apache-airflow"} == named
    (airflow,) = (one for one in ours if one.name == "apache-airflow")
    (exact,) = (one for one in locked if one.name == "apache-airflow")
    assert airflow.specifier.contains(str(exact.specifier).removeprefix("=="))
    assert not airflow.specifier.contains("3.4.0")
