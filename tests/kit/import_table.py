"""Import tables of docs/architecture.md, made from the contracts; `python -m tests.kit.import_table` prints them."""

import tomllib
from collections.abc import Iterable
from fnmatch import fnmatch
from typing import Any

from tests.kit.paths import ROOT

SHARED = ("common", "clients", "speech")  # the folders of include/ that are not areas
PAGE = ROOT / "docs/architecture.md"
AIRFLOW = "airflow"


def importlinter() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return found


def contracts(kind: str) -> list[dict[str, Any]]:
    return [one for one in importlinter()["contracts"] if one["type"] == kind]


def areas(top: str = "include") -> list[str]:
    """Folders of `top` that belong to one area."""
    every = {path.name for path in (ROOT / "include").iterdir() if path.is_dir()} - {*SHARED, "__pycache__"}
    return sorted(name for name in every if (ROOT / top / name).is_dir())


def layers(contract: dict[str, Any], container: str = "") -> list[list[str]]:
    """From the top; modules of one list are independent of each other."""
    prefix = f"{container}." if container else ""
    return [[f"{prefix}{name.strip(' ()')}" for name in layer.split("|")] for layer in contract["layers"]]


def within(module: str, package: str) -> bool:
    """Whether the module is the package, which may contain `*`, or inside it."""
    return any(fnmatch(module, pattern) for pattern in (package, f"{package}.*"))


def may_import(importer: str, imported: str) -> bool:
    """Whether no contract forbids `importer` (a package) to import `imported`."""
    if importer == imported:
        return True
    for contract in contracts("forbidden"):
        from_here = any(within(importer, source) for source in contract["source_modules"])
        if from_here and any(within(imported, there) for there in contract["forbidden_modules"]):
            return False
    for contract in contracts("layers"):
        for container in contract.get("containers", [""]):
            floors = {one: floor for floor, row in enumerate(layers(contract, container)) for one in row}
            above = next((one for one in floors if within(importer, one)), None)
            below = next((one for one in floors if within(imported, one)), None)
            if above and below and above != below and floors[below] <= floors[above]:
                return False
    return True


def table(importers: Iterable[str], imported: Iterable[str]) -> str:
    columns = list(imported)
    head = ["| may import → | " + " | ".join(f"`{name.rpartition('.')[2]}`" for name in columns) + " |"]
    head.append("|---" * (len(columns) + 1) + "|")
    rows = [
        f"| `{importer.replace('.', '/')}` | "
        + " | ".join("yes" if may_import(importer, there) else "-" for there in columns)
        + " |"
        for importer in importers
    ]
    return "\n".join(head + rows)


def rendered() -> list[str]:
    """The table of the tree, then the table inside an area."""
    inside = [f"include.calls.{name}" for name in ("steps", "reporting", "state", "policy", "wording", "domain")]
    shelves = [f"include.{name}" for name in SHARED[::-1]]
    tree = ["dags", "plugins", "jobs", "ops", "trials", "simulators", "include.calls", *shelves]
    imported = ["plugins", "jobs", "ops", "simulators", "include.calls", *shelves, AIRFLOW]
    return [table(tree, imported), table(inside, inside)]


if __name__ == "__main__":
    print("\n\n".join(rendered()))
