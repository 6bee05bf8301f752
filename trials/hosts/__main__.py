"""`python -m trials.hosts`: what several hosts survive, and what they do faster than one.

python -m trials.hosts claims --rounds 1000     two owners of one call, behind PgBouncer in transaction mode
"""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from include.calls.state.migrate import migrate
from trials.hosts.pooler import pooled
from trials.hosts.servers import postgresql
from trials.hosts.two_owners import two_owners

console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 140)
commands = typer.Typer(add_completion=False, help=__doc__, pretty_exceptions_enable=False)


@commands.callback()
def _main() -> None:
    """So that each part is a command, even while there is one."""


@commands.command("claims")
def claims_behind_a_pooler(
    rounds: Annotated[int, typer.Option(min=2)] = 1000,
    seed: Annotated[int, typer.Option(help="the same number gives the same pauses")] = 1,
) -> None:
    """Rounds of two owners who want one call; pauses at their statements; PgBouncer in between."""
    with tempfile.TemporaryDirectory(prefix="call-export-hosts-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgresql(folder / "pg") as url:
            migrate(url)
            (folder / "pooler").mkdir()
            with pooled(url, folder / "pooler", ignored="options") as behind:
                seen = two_owners(behind, rounds, seed)
    console.print(
        f"rounds {seen.rounds}: claims granted {seen.granted}, refused {seen.refused}; leases lost in a pause "
        f"{seen.lost}, saves that came too late and changed nothing {seen.late}; both held it {seen.both_held}, "
        f"both saved it {seen.saved_twice}, nobody saved it {seen.unsaved}"
    )
    good = seen.rounds == rounds and not (seen.both_held or seen.saved_twice or seen.unsaved)
    raise typer.Exit(0 if good else 1)


if __name__ == "__main__":
    commands()
