"""What the sales area carries and survives, on real engines of the trial's own.

python -m trials.sales volume --orders 1000000      figures of docs/sales/proofs.md
python -m trials.sales kills --rounds 100 --seed 1  exit status 1 where anything was wrong
"""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from trials.sales import kills as killing
from trials.sales import volume as loading
from trials.sales.engines import engines

console = Console(highlight=False)
app = typer.Typer(add_completion=False)


@app.command()
def volume(
    orders: Annotated[int, typer.Option(help="how many orders")] = 1_000_000,
    again: Annotated[bool, typer.Option(help="load the same window once more")] = True,
) -> None:
    with tempfile.TemporaryDirectory(prefix="sales-") as home, engines(Path(home)) as engine:
        for what, value in loading.volume(engine, orders, again=again).items():
            console.print(f"{what:<45} {value}", markup=False)


@app.command()
def kills(
    rounds: Annotated[int, typer.Option(help="how often something is killed")] = 100,
    seed: Annotated[int, typer.Option(help="of the random moments")] = 1,
) -> None:
    with tempfile.TemporaryDirectory(prefix="sales-") as home, engines(Path(home)) as engine:
        seen = killing.kills(engine, rounds, seed)
    console.print(f"killed: {dict(seen.killed)}; ended before the kill: {seen.ended_before}; reads: {seen.reads}")
    console.print(f"wrong: {seen.wrong or 'nothing'}")
    sys.exit(1 if seen.wrong else 0)


if __name__ == "__main__":
    app()
