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
    kills: Annotated[int, typer.Option(min=1, help="Сколько раз убить.")] = 20,
    calls: Annotated[int, typer.Option(min=1, help="Сколько записей выгружать (или немного больше).")] = 200,
    seed: Annotated[int, typer.Option(help="Кого и когда: то же число — тот же порядок.")] = 1,
) -> None:
    """Убивать процессы системы во время выгрузки (свой профиль) и проверить, что ничего не потеряно."""
    plan = Plan(kills, calls, seed)
    try:
        evidence = play(plan, console)
    except ExportError as error:
        console.print(escape(str(error)), style="red")
        raise typer.Exit(1) from None
    raise typer.Exit(0 if show(plan, evidence, console) else 1)


if __name__ == "__main__":
    typer.run(chaos)
