"""The tree tells the architecture; these tests keep it true."""

import ast
import sys

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.kit.paths import ROOT

DOMAIN = sorted((ROOT / "include/calls/domain").glob("*.py"))
DAGS = sorted((ROOT / "dags").rglob("*.py"))


def test_every_layer_imports_only_what_the_table_in_the_architecture_page_allows(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == EXIT_STATUS_SUCCESS


@pytest.mark.parametrize("path", DOMAIN, ids=lambda path: path.name)
def test_the_domain_asks_nobody_for_the_time_and_opens_nothing(path):
    forbidden = {"now", "utcnow", "today", "open", "print", "getenv"}
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    }
    assert called & forbidden == set()


@pytest.mark.parametrize("path", DAGS, ids=lambda path: path.name)
def test_a_dag_file_only_wires(path):
    """No SQL, no HTTP, no branching on data: bodies import the work and call it."""
    for function in (
        node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)
    ):
        branching = [node for node in ast.walk(function) if isinstance(node, ast.If | ast.For | ast.While | ast.Try)]
        assert branching == [], f"{function.name} decides something"


@pytest.mark.parametrize("path", DAGS, ids=lambda path: path.name)
def test_a_dag_imports_of_ours_only_names_and_plugins(path):
    imported = {
        node.module
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith("airflow")
    }
    assert all(
        name in {"datetime", "typing", "uuid", "plugins.calls"}
        or name.startswith(("include.common.names", "include.calls.names", "include.calls.schedule", "plugins."))
        for name in imported
    )
