"""Names lead to files: no file name has two meanings, and tests mirror the tree."""

import subprocess
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.kit.paths import ROOT

# The same role in an area and in what areas share
ROLES = {"__init__.py", "names.py", "problems.py"}
# What a second area names as `calls` does: its tasks, state and steps. One area has each of them once.
ROLES_OF_AN_AREA = {
    *("policy.py", "schedule.py", "tasks.py", "task_context.py", "slack_messages.py", "run_form.py"),
    *("state.py", "migrate.py", "env.py", "types.py", "runs.py", "events.py", "moves.py", "metrics.py"),
    *("open_run.py", "preflight.py", "plan.py", "approve.py", "publish.py", "deliver.py", "close_run.py", "outcome.py"),
    *("states.py", "stages.py", "storage_keys.py", "run_request.py", "run_verdict.py"),
    *("report.py", "settings.py", "slack_texts.py", "run_requests.py", "metrics_endpoint.py"),
}
SHARED = {"common", "clients", "speech", "airflow_kit", "hooks", "operators"}
# A client may have the name of the interface that it implements.
INTERFACES = {"telephony.py"}
MIRRORS = [ROOT / "tests" / kind for kind in ("unit", "simulators", "integration")]


def area_of(path: Path) -> str:
    """`calls` for include/calls/..., plugins/calls/... and plugins/web/calls/...; "" for what areas share."""
    folders = [part for part in path.parent.parts[1:] if part != "web"]
    return folders[0] if folders and folders[0] not in SHARED else ""


def clashes(paths: Iterable[Path]) -> dict[str, list[str]]:
    """Files of one name, by the name, except where the same role in two areas explains it.

    A file in an area's `wording/` is named after the medium whose words it holds, a migration after its number.
    """
    found = defaultdict(list)
    for path in paths:
        if path.name not in ROLES | INTERFACES and not {"wording", "versions"} & {*path.parent.parts}:
            found[path.name].append(path)
    return {name: [path.as_posix() for path in same] for name, same in found.items() if not _explained(name, same)}


def _explained(name: str, same: list[Path]) -> bool:
    areas = [area_of(path) for path in same]
    one_in_each_area = all(areas) and len(set(areas)) == len(areas)
    return len(same) == 1 or (name in ROLES_OF_AN_AREA and one_in_each_area)


def test_no_file_name_has_two_meanings() -> None:
    files = (path.relative_to(ROOT) for top in ("include", "plugins") for path in (ROOT / top).rglob("*.py"))
    assert clashes(files) == {}


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("include/calls/policy.py", "include/sales/policy.py", False),
        ("plugins/web/calls/run_requests.py", "plugins/web/sales/run_requests.py", False),
        ("include/calls/steps/plan.py", "plugins/calls/plan.py", True),
        ("include/calls/steps/publish.py", "include/clients/storage/publish.py", True),
        ("include/common/masking.py", "include/speech/masking.py", True),
        ("include/calls/domain/budget.py", "include/sales/domain/budget.py", True),
    ],
)
def test_a_second_area_may_use_the_names_of_roles_only(one: str, other: str, clash: bool) -> None:
    assert bool(clashes([Path(one), Path(other)])) is clash


def test_every_role_is_a_file_of_the_area() -> None:
    """The list keeps no name that no file has."""
    files = {path.name for top in ("include", "plugins") for path in (ROOT / top).rglob("*.py")}
    assert files >= ROLES | ROLES_OF_AN_AREA


def folders(kind: Path) -> list[Path]:
    inside = (path.relative_to(kind) for path in kind.rglob("*") if path.is_dir())
    return [path for path in inside if "__pycache__" not in path.parts and path.parts[0] != "repository"]


@pytest.mark.parametrize("kind", MIRRORS, ids=lambda kind: kind.name)
def test_folders_of_tests_are_those_of_the_code(kind: Path) -> None:
    found = folders(kind)
    assert found
    assert [path for path in found if not (ROOT / "include" / path).is_dir() and not (ROOT / path).is_dir()] == []


def test_nothing_that_git_ignores_is_in_the_repository() -> None:
    """An environment or a build that was added while `.gitignore` did not name it yet."""
    if not (ROOT / ".git").exists():
        pytest.skip("no clone: an archive")
    listed = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout == ""
