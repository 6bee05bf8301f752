"""The tables of the run parameters in the runbook and in the DAG's manual, made from `RunRequest` and the Makefile.

    python -m tests.kit.run_parameter_tables

writes both into their files; a test holds the files equal to what this module makes.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from include.calls.domain.run_request import parameter_schemas
from include.calls.wording.run_parameters import PARAMETERS, in_table
from jobs.run_options import option_of
from tests.kit.paths import ROOT

RUNBOOK = ROOT / "docs/runbooks/call_export.md"
MANUAL = ROOT / "dags/calls/call_export.py"
NONE = "—"


def runbook_table() -> list[str]:
    return [
        "| make | флаг | параметр в Airflow | по умолчанию | что делает |",
        "|---|---|---|---|---|",
        *(f"| {' | '.join(cells)} |" for cells in _runbook_rows()),
    ]


def manual_table() -> list[str]:
    rows = [f"| `{name}` | {_default(name)} | {in_table(name)} |" for name in parameter_schemas()]
    return ["| Параметр | По умолчанию | Что делает |", "|---|---|---|", *rows]


def with_table(text: str, table: list[str]) -> str:
    """The text with the table of the same heading replaced."""
    before, heading, after = text.partition(f"{table[0]}\n")
    assert heading, f"no table {table[0]}"
    rest = re.sub(r"\A(?:\|.*\n)+", "", after)
    return "\n".join([f"{before}{table[0]}", *table[1:], rest])


def _runbook_rows() -> Iterator[list[str]]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    variables = dict(re.findall(r'(--[a-z-]+)[= ]"\$\(([A-Z_]+)\)"', makefile))
    for name in parameter_schemas():
        option = option_of(name)
        make = variables.get(option)
        flag = f"--resume {option}" if name == "resume_run_id" else option
        yield [f"`{make}`" if make else NONE, f"`{flag}`", f"`{name}`", _default(name), in_table(name)]


def _default(name: str) -> str:
    return PARAMETERS[name].empty or f"`{json.dumps(parameter_schemas()[name]['default'])}`"


def write(page: Path, table: list[str]) -> None:
    page.write_text(with_table(page.read_text(encoding="utf-8"), table), encoding="utf-8")


if __name__ == "__main__":
    write(RUNBOOK, runbook_table())
    write(MANUAL, manual_table())
