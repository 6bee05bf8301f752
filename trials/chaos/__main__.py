"""`python -m trials.chaos`, behind `make chaos`."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from include.common.errors import ExportError
from trials.chaos.scenario import Plan
from trials.chaos.scenario import chaos as play
from trials.chaos.verdict import show

console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 140)


def chaos(
    kills: Annotated[int, typer.Option(min=1, help="how many kills")] = 20,
    calls: Annotated[int, typer.Option(min=1, help="recordings to export, at least")] = 200,
    seed: Annotated[int, typer.Option(help="the same number gives the same order of kills")] = 1,
) -> None:
    """Kills processes of a system (its own profile) during an export and checks that nothing is lost."""
    plan = Plan(kills, calls, seed)
    try:
        evidence = play(plan, console)
    except ExportError as error:
        console.print(escape(str(error)), style="red")
        raise typer.Exit(1) from None
    raise typer.Exit(0 if show(plan, evidence, console) else 1)


if __name__ == "__main__":
    typer.run(chaos)
