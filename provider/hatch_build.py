"""Builds the wheel: the folders of the repository, moved below one package whose name is nobody else's.

In the repository `include` and `plugins` are top-level packages, as in many projects of Airflow. In an Airflow that
others use too, those two names may be taken. So the wheel holds `call_export.include`, `call_export.plugins`, ..., and
their absolute imports are rewritten on the way; nothing else in them changes.
"""

import ast
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "call_export"
MOVED = ("include", "plugins", "dags", "jobs")
TAKEN_ALONG = ("playlists",)  # files without code
_DOTTED = re.compile(rf"""[a-zA-Z]*["'](?=(?:{"|".join(MOVED)})\.[A-Za-z_{{])""".encode())


class MovedPackages(BuildHookInterface[Any]):
    """Hatchling's own name for this hook is `custom`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            raise ValueError("an editable installation would still have the top-level packages: use the repository")
        self._folder = Path(tempfile.mkdtemp(prefix="call-export-"))
        for file in move(Path(self.root), self._folder):
            build_data["force_include"][str(self._folder / file)] = f"{PACKAGE}/{file.as_posix()}"

    def finalize(self, *_: Any) -> None:
        shutil.rmtree(self._folder)


def move(root: Path, target: Path) -> Iterator[Path]:
    """Copies what the wheel holds into `target`; yields the files, relative to it."""
    (target / "__init__.py").write_text(
        '"""Call export: the text of every phone call of a Bitrix24 portal, for Apache Airflow."""\n'
    )
    yield Path("__init__.py")
    for top in (*MOVED, *TAKEN_ALONG):
        for file in sorted((root / top).rglob("*")):
            if file.is_dir() or "__pycache__" in file.parts:
                continue
            relative = file.relative_to(root)
            copy = target / relative
            copy.parent.mkdir(parents=True, exist_ok=True)
            if file.suffix == ".py":
                copy.write_text(moved(file.read_text(encoding="utf-8"), relative), encoding="utf-8")
            else:
                shutil.copyfile(file, copy)
            yield relative


def moved(source: str, file: Path) -> str:
    """The source with `call_export.` before the names of our own modules, in imports and in strings that are a name.

    Raises ValueError for `import include.x`, which would bind another name when it is moved.
    """
    lines = source.encode().splitlines(keepends=True)  # columns of the parser count bytes
    for line, column in sorted(set(_places(ast.parse(source), lines, file)), reverse=True):
        text = lines[line - 1]
        lines[line - 1] = text[:column] + f"{PACKAGE}.".encode() + text[column:]
    return b"".join(lines).decode()


def _places(tree: ast.AST, lines: list[bytes], file: Path) -> Iterator[tuple[int, int]]:
    """Lines from 1 and columns in bytes, where the name of a package of ours begins."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names) if any(one.name.partition(".")[0] in MOVED for one in names):
                raise ValueError(f"{file}:{node.lineno}: write 'from ... import' for a module of ours")
            case ast.ImportFrom(module=str(module), level=0) if module.partition(".")[0] in MOVED:
                yield node.lineno, node.col_offset + len("from ")
            case ast.Constant(value=str()) | ast.JoinedStr():
                if found := _DOTTED.match(lines[node.lineno - 1][node.col_offset :]):
                    yield node.lineno, node.col_offset + found.end()
