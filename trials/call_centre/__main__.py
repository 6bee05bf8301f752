"""What the scoring of calls has to show, with figures.

python -m trials.call_centre agreement    20 seeds of a judge with programmed errors, against an independent program
python -m trials.call_centre evidence     300 invented or shifted quotes, 1,000 true ones
python -m trials.call_centre kills [--kills 20] [--texts 60]    tasks killed while they score, nothing twice
"""

import click

from trials.call_centre import agreement_trial, evidence_trial, kills_trial


@click.group()
def main() -> None:
    pass


@main.command()
@click.option("--items", default=400)
def agreement(*, items: int) -> None:
    click.echo(agreement_trial.run(items))


@main.command()
def evidence() -> None:
    click.echo(evidence_trial.run())


@main.command()
@click.option("--kills", default=20)
@click.option("--texts", default=60)
@click.option("--seed", default=1)
def kills(*, kills: int, texts: int, seed: int) -> None:
    click.echo(kills_trial.run(kills, texts, seed))


if __name__ == "__main__":
    main()
