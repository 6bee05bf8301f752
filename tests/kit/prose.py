"""What people read in a Python file: comments, docstrings, and the words of its identifiers."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def comments_and_docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text; a docstring is one text, neighbouring comment lines are one text, too."""
    source = path.read_text(encoding="utf-8")
    block: list[str] = []
    start = last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if block and token.start[0] != last + 1:
            yield start, " ".join(block)
            block = []
        if not block:
            start = token.start[0]
        block.append(token.string.lstrip("#: "))
        last = token.start[0]
    if block:
        yield start, " ".join(block)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _DOCUMENTED) and (text := ast.get_docstring(node)):
            yield node.body[0].lineno, " ".join(text.split())


def identifiers(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name, as words: `_InHand` and `in_hand` are "in hand"."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, words(name)
            case ast.arg(arg=name) | ast.Name(id=name) | ast.Attribute(attr=name):
                yield node.lineno, words(name)


def words(identifier: str) -> str:
    return " ".join(_WORD.findall(identifier)).lower()
