"""Every problem that the area `calls` names has its sentence, and every sentence is used and filled."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from include.calls.wording.problems import PROBLEMS
from include.common.problems import PROBLEMS as COMMON
from tests.kit.paths import ROOT

FOLDERS = ("include/calls", "plugins/calls", "plugins/operators", "plugins/web", "jobs")
CATALOGUE = ROOT / "include/calls/wording/problems.py"
FILES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")) if path != CATALOGUE]
NO_FACTS = {"code", "retry_after", "problem", "attempt"}


def problems(path: Path) -> Iterator[tuple[str, set[str]]]:
    """Each key that the file passes as `problem=`, with the names of the facts beside it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            given = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
            if isinstance(key := given.get("problem"), ast.Constant):
                yield str(key.value), given.keys() - NO_FACTS


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_problem_has_a_sentence_with_its_facts(path: Path) -> None:
    for key, facts in problems(path):
        text = {**COMMON, **PROBLEMS}[key]
        assert {name for _, name, _, _ in Formatter().parse(text) if name} == facts, key


def test_every_sentence_is_used() -> None:
    assert PROBLEMS.keys() - {key for path in FILES for key, _ in problems(path)} == set()


@pytest.mark.parametrize("text", PROBLEMS.values())
def test_a_sentence_is_russian_without_a_full_stop(text: str) -> None:
    assert re.search("[а-яё]", text)
    assert not text.endswith((".", " "))


def test_a_key_belongs_to_one_catalogue() -> None:
    assert PROBLEMS.keys() & COMMON.keys() == set()
