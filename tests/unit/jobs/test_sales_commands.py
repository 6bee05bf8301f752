"""Every command of the runbook of sales is a target of make, and its command line is understood as written."""

import shlex
import subprocess

import click
import pytest

from jobs import sales
from tests.kit.paths import ROOT
from tests.kit.runbook_blocks import commands

COMMANDS = [one for one in commands(ROOT / "docs/runbooks/sales.md") if one.startswith("make sales")]


def parsed(command: str) -> tuple[str, dict[str, object]]:
    """The verb and its options, as `make -n` would run them."""
    shown = subprocess.run(
        [*shlex.split(command.replace("SOURCE=...", "SOURCE=direct")), "-n", "--no-print-directory"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    line = next(line for line in shown.replace("\\\n", " ").splitlines() if "jobs.sales " in line)
    verb, *arguments = shlex.split(line.partition("jobs.sales ")[2])
    found = sales.main.commands[verb]
    return verb, found.make_context(verb, arguments, parent=click.Context(sales.main)).params


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_runbook_is_understood(command: str) -> None:
    verb, _ = parsed(command)
    assert verb in sales.main.commands


def test_the_runbook_names_every_verb() -> None:
    assert {parsed(command)[0] for command in COMMANDS} == set(sales.main.commands)


def test_values_arrive_where_they_belong() -> None:
    _, options = parsed("make sales-load SOURCE=qtickets FROM=2026-11-01 TO=2026-11-10 DRY_RUN=true")
    assert (options["source"], options["first"], options["last"]) == ("qtickets", "2026-11-01", "2026-11-10")
    assert options["dry_run"] is True
    _, options = parsed("make sales-sql QUERY='SELECT * FROM v_sales_14d'")
    assert options["query"] == "SELECT * FROM v_sales_14d"


@pytest.mark.parametrize(
    "arguments", [["load"], ["load", "--source", "qtickets", "--days", "x"], ["load", "--source", "x"], ["nosuch"]]
)
def test_a_mistake_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        sales.main.main(arguments)
    assert refused.value.code == 2
