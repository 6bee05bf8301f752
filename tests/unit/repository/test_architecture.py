"""The tree follows docs/architecture.md; the import contracts in pyproject.toml cover every area."""

import ast
import logging.config
import sys

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.kit.import_table import PAGE, areas, contracts, layers, rendered
from tests.kit.paths import ROOT

DOMAIN = sorted(path for area in areas() for path in (ROOT / "include" / area / "domain").glob("*.py"))
DAGS = sorted((ROOT / "dags").rglob("*.py"))
SHARED_PLUGINS = ("plugins.airflow_kit",)
LIBRARIES = {"datetime", "typing", "uuid"}


def test_the_import_contracts_hold(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    monkeypatch.setattr(logging.config, "dictConfig", lambda _config: None)  # it would switch off every logger there is
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == EXIT_STATUS_SUCCESS


def test_the_page_shows_the_contracts():
    page = PAGE.read_text(encoding="utf-8")
    for table in rendered():
        assert table in page, "run: python -m tests.kit.import_table"


def test_every_area_is_in_each_contract_about_areas():
    """A new area that is missing in a contract could import everything."""
    own = [f"include.{area}" for area in areas()]
    tree, inside = contracts("layers")
    independent, plugins = contracts("independence")
    assert sorted(layers(tree)[1]) == own
    assert sorted(inside["containers"]) == own
    assert sorted(independent["modules"]) == own
    assert sorted(plugins["modules"]) == [f"plugins.{area}" for area in areas("plugins")]


def test_every_dag_is_in_the_folder_of_an_area():
    assert {path.parent.name for path in DAGS} <= set(areas())


@pytest.mark.parametrize("path", DOMAIN, ids=lambda path: path.name)
def test_the_domain_reads_no_clock_and_opens_nothing(path):
    forbidden = {"now", "utcnow", "today", "open", "print", "getenv"}
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    }
    assert called & forbidden == set()


@pytest.mark.parametrize("path", DAGS, ids=lambda path: path.name)
def test_a_dag_file_only_wires(path):
    """No SQL, no HTTP, no branching on data: task functions import the work and call it."""
    for function in (
        node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)
    ):
        branching = [node for node in ast.walk(function) if isinstance(node, ast.If | ast.For | ast.While | ast.Try)]
        assert branching == [], f"{function.name} decides something"


@pytest.mark.parametrize("path", DAGS, ids=lambda path: path.name)
def test_a_dag_imports_of_ours_only_names_and_its_areas_plugins(path):
    area = path.parent.name
    names = ("include.common.names", f"include.{area}.names", f"include.{area}.schedule")
    allowed = (*names, f"include.{area}.wording", *SHARED_PLUGINS, f"plugins.{area}", "airflow")
    imported = {
        f"{node.module}.{alias.name}" if node.module == "plugins" else str(node.module)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert {name for name in imported if name not in LIBRARIES and not name.startswith(allowed)} == set()
