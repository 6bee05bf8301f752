"""docs/faults.md against the tests: whatever it promises is proved by a test that exists, and no proof is left out."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
HEAD = "| Сбой | Что видно | Что делает система | Тест |"
ROWS = [line for line in TABLE.splitlines() if line.startswith("| ") and line != HEAD]
NAMED = re.findall(r"`([\w/]+\.py)::(test_\w+)`", TABLE)


@cache
def names_in(file: str) -> frozenset[str]:
    """Names of the test functions in the one file of that name under tests/."""
    (path,) = (ROOT / "tests").rglob(file)
    return frozenset(
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_each_fault_says_what_is_seen_what_is_done_and_what_proves_it(row: str) -> None:
    *told, proof = (cell.strip() for cell in row.strip("|").split("|"))
    assert len(told) == 3
    assert all(told)
    assert re.search(r"`[\w/]+\.py::test_\w+`", proof)


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_test_that_is_named_exists(file: str, name: str) -> None:
    assert name in names_in(file)


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED if file.startswith("test_faults_")}))
def test_no_fault_that_is_tested_is_missing_in_the_table(file: str) -> None:
    assert names_in(file) <= {name for other, name in NAMED if other == file}
