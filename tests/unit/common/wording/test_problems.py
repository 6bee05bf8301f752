"""An error speaks English to the log and Russian to operators; both halves are complete and fit together."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from include.common import errors
from include.common.errors import AccessDenied, BadInput, NotConfigured, StopRun, Temporary
from include.common.wording.problems import CLASSES, PROBLEMS, sentence
from tests.kit.paths import ROOT

FOLDERS = (
    "include/common",
    "include/clients",
    "include/speech",
    "plugins/hooks",
    "plugins/airflow_kit",
)  # areas have their own
CATALOGUE = ROOT / "include/common/wording/problems.py"
FILES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")) if path != CATALOGUE]
ENTRANCES = sorted((ROOT / "jobs").glob("*.py")) + sorted((ROOT / "plugins/distribution").glob("*.py"))
ERRORS = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
NEED_A_PROBLEM = {name for name, kind in ERRORS.items() if issubclass(kind, StopRun | BadInput)}
NO_FACTS = {"code", "retry_after", "problem"}
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


def constructions(path: Path) -> Iterator[ast.Call]:
    """Where the file makes an error of ours."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
            yield node


def problem_of(made: ast.Call) -> str | None:
    """The literal key; "" if a table gives it; None if there is none."""
    for keyword in made.keywords:
        if keyword.arg == "problem":
            return keyword.value.value if isinstance(keyword.value, ast.Constant) else ""
    return None


def placeholders(key: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(PROBLEMS[key]) if name}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_error_that_stops_has_a_problem(path: Path) -> None:
    """An operator must act on it, so there is a Russian sentence that says how."""
    made = [call for call in constructions(path) if isinstance(call.func, ast.Name) and call.func.id in NEED_A_PROBLEM]
    assert [call.lineno for call in made if problem_of(call) is None] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_sentence_gets_exactly_its_facts(path: Path) -> None:
    """No placeholder stays empty, and no fact is passed in vain."""
    for made in constructions(path):
        if key := problem_of(made):
            assert key in PROBLEMS, f"line {made.lineno}: {key} has no sentence"
            facts = {keyword.arg for keyword in made.keywords if keyword.arg} - NO_FACTS
            assert placeholders(key) == facts, f"line {made.lineno}: {key}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_messages_are_english(path: Path) -> None:
    """A message is for the log: a reader without Russian understands it."""
    for made in constructions(path):
        texts = [
            node.value for node in ast.walk(made) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert [text for text in texts if CYRILLIC.search(text)] == []


def test_every_sentence_is_used() -> None:
    strings = {
        node.value
        for path in [*FILES, *ENTRANCES]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
    }
    assert PROBLEMS.keys() - strings == set()


@pytest.mark.parametrize("text", [*PROBLEMS.values(), *(text for _, text in CLASSES)])
def test_a_sentence_is_russian_without_a_full_stop(text: str) -> None:
    assert CYRILLIC.search(text)
    assert not text.endswith((".", " "))


def test_a_problem_is_filled_with_its_facts() -> None:
    error = AccessDenied("the webhook lacks `disk`", problem="webhook_lacks_scope", scope="disk")
    assert sentence(error) == "у вебхука нет права disk: отметьте его в настройках вебхука на портале"


def test_an_areas_catalogue_comes_first() -> None:
    assert sentence(NotConfigured("x", problem="no_recogniser"), {"no_recogniser": "своё"}) == "своё"


def test_an_error_without_a_problem_has_its_class_sentence() -> None:
    """The most specific class decides; every class of the tree has one."""
    assert sentence(Temporary("x")) == "временный сбой; система повторит сама, подробности в журнале задачи"
    assert all(any(issubclass(kind, known) for known, _ in CLASSES) for kind in ERRORS.values())
