"""What the scoring of calls has to show, with figures.

python -m trials.call_centre agreement    20 seeds of a judge with programmed errors, against an independent program
python -m trials.call_centre evidence     300 invented or shifted quotes, 1,000 true ones
python -m trials.call_centre kills [--kills 20] [--texts 60]    tasks killed while they score, nothing twice
python -m trials.call_centre failover [--speed 10]    a provider fails or goes down; what the router costs
python -m trials.call_centre page [--scores 50000]    the page of scores, its tables and metrics over so many
python -m trials.call_centre speed [--calls 9000]    a run under the real Airflow beside its bound, and again
"""

import click

from trials.call_centre import agreement_trial, evidence_trial, failover_trial, kills_trial, page_trial, speed_trial


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


@main.command()
@click.option("--speed", default=10.0, help="how many times faster the outage is")
@click.option("--texts", default=300)
@click.option("--requests", default=300)
def failover(*, speed: float, texts: int, requests: int) -> None:
    click.echo(failover_trial.overhead(requests))
    click.echo(failover_trial.each_fault())
    click.echo(failover_trial.scoring(texts))
    click.echo(failover_trial.outage(speed))


@main.command()
@click.option("--scores", default=50_000)
def page(*, scores: int) -> None:
    click.echo(page_trial.run(scores))


@main.command()
@click.option("--calls", default=9_000)
@click.option("--seconds", default=2.0, help="that an answer takes")
@click.option("--lines", default=10)
def speed(*, calls: int, seconds: float, lines: int) -> None:
    click.echo(speed_trial.run(calls, seconds, lines))


if __name__ == "__main__":
    main()
