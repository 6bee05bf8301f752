"""How many files of ours a task needs, by static imports.

    python -m tests.kit.import_closure [repository]

Three numbers for each task, from narrow to wide:
- `step`: the step's file and all files that its imports lead to, imports inside functions included;
- `loads`: what the task's function in `plugins/` loads before it does anything: imports at the head of its module and
  in its own body, and from there on imports at the head of modules;
- `reaches`: the same with imports inside all functions of those modules, whether the task calls them or not.
Imports under TYPE_CHECKING are never executed and not counted.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from tests.kit.paths import ROOT

OURS = ("include", "plugins")
STEPS = {
    "list_calls": "list_calls",
    "plan": "plan",
    "download": "download",
    "transcribe": "transcribe_batch",
    "summarize": "summarize",
    "publish": "publish",
}
TASKS = "plugins/calls/tasks.py"
OPERATORS = {"transcribe": ("plugins/calls/operators/transcribe.py", "TranscribeBatchOperator")}


def closure(start: Iterable[Path], root: Path, *, functions: bool) -> set[Path]:
    """The files and everything that they import; `functions`: imports inside functions count as well."""
    found: set[Path] = set()
    waiting = list(start)
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += imports_of(file, root, functions=functions)
    return found


@cache
def imports_of(file: Path, root: Path, *, functions: bool) -> tuple[Path, ...]:
    return tuple(_imported(_statements(_tree(file).body, functions=functions), root))


def step_closure(step: str, root: Path = ROOT) -> set[Path]:
    return closure([root / f"include/calls/steps/{step}.py"], root, functions=True)


def task_closure(task: str, root: Path = ROOT, *, functions: bool) -> set[Path]:
    """Of the function of this name in `tasks.py`, with the functions of that file that it calls, or of its operator."""
    if task in OPERATORS:
        name, class_name = OPERATORS[task]
        file = root / name
        (body,) = (node.body for node in _tree(file).body if getattr(node, "name", "") == class_name)
        start = [file, *_imported(_statements(body, functions=True), root)]
    else:
        file = root / TASKS
        start = [file, *_imported(_of_function(task, _tree(file)), root)]
    heads = [part for one in start if one != file for part in closure([one], root, functions=functions)]
    head = closure(imports_of(file, root, functions=False), root, functions=functions)
    return {file, *heads, *head}


def _of_function(name: str, tree: ast.Module) -> list[ast.stmt]:
    """The function's statements and those of the functions of its module that it names."""
    known = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    used, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        if current not in used:
            used.add(current)
            names = {node.id for node in ast.walk(known[current]) if isinstance(node, ast.Name)}
            waiting += names & known.keys()
    return [statement for one in used for statement in _statements(known[one].body, functions=True)]


def _statements(body: Iterable[ast.stmt], *, functions: bool) -> list[ast.stmt]:
    """Import statements of this body; those under TYPE_CHECKING left out."""
    found: list[ast.stmt] = []
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append(node)
        elif functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt | ast.ExceptHandler)]
            found += _statements(inner, functions=functions)  # type: ignore[arg-type]
    return found


def _imported(statements: Iterable[ast.stmt], root: Path) -> Iterator[Path]:
    for node in statements:
        names = []
        if isinstance(node, ast.ImportFrom):
            names = [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            file = root / f"{name.replace('.', '/')}.py"
            if name.startswith(OURS) and file.exists():
                yield file


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _size(files: set[Path]) -> str:
    lines = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)
    return f"{len(files):3} files {lines:6,} lines"


def main(root: Path) -> None:
    for task, step in STEPS.items():
        loads, reaches = (task_closure(task, root, functions=functions) for functions in (False, True))
        print(f"{task:12} step {_size(step_closure(step, root))}   loads {_size(loads)}   reaches {_size(reaches)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT)
