"""Names lead to files: no file name has two meanings, and tests mirror the tree."""

from collections import defaultdict
from pathlib import Path

import pytest

from tests.kit.paths import ROOT

# The same role in each area, or in the area and in what areas share
ROLES = {"__init__.py", "names.py", "policy.py", "tasks.py", "problems.py"}
# A client may have the name of the interface that it implements.
INTERFACES = {"telephony.py"}
MIRRORS = [ROOT / "tests" / kind for kind in ("unit", "simulators", "integration")]


def test_no_file_name_has_two_meanings() -> None:
    """A file in an area's `wording/` is named after the medium whose words it holds, so it is not counted."""
    found = defaultdict(list)
    for top in ("include", "plugins"):
        for path in (ROOT / top).rglob("*.py"):
            if path.parent.name != "wording" and path.name not in ROLES | INTERFACES:
                found[path.name].append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}


def folders(kind: Path) -> list[Path]:
    inside = (path.relative_to(kind) for path in kind.rglob("*") if path.is_dir())
    return [path for path in inside if "__pycache__" not in path.parts and path.parts[0] != "repository"]


@pytest.mark.parametrize("kind", MIRRORS, ids=lambda kind: kind.name)
def test_folders_of_tests_are_those_of_the_code(kind: Path) -> None:
    found = folders(kind)
    assert found
    assert [path for path in found if not (ROOT / "include" / path).is_dir() and not (ROOT / path).is_dir()] == []
