"""Hears the stored recordings of a period with another model or at another address, beside the texts they have. Paid.

    python -m jobs.replay --from 2025-08-01 --to 2025-08-31 --model whisper-1 --limit 100
    python -m jobs.replay --from 2025-08-01 --to 2025-08-31 --model whisper-1 --adopt=true    the texts become these

The same command again goes on where it ended: what was paid is not paid again.
Exit status: 0 done, 1 something could not be done, 2 refused: nothing was sent.
"""

import getpass
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import click
from psycopg.conninfo import make_conninfo

from include.calls.policy import SttPolicy, load_policy
from include.calls.reporting.replay_report import Comparison, replay_csv, replay_markdown
from include.calls.state.state import State
from include.calls.steps.replay import (
    Replay,
    Replayed,
    Services,
    adopt_period,
    forecast,
    replay_period,
    words_beside,
)
from include.calls.steps.spending import fallback_rate_per_minute, rate_per_minute
from include.calls.wording import command_line, problems
from include.calls.wording import replay as wording
from include.common.names import RECOGNISER_CONN
from include.common.periods import resolve_period
from include.speech.model_profiles import profile_of
from jobs.call_export import state_conninfo
from jobs.command import FAILED, Command
from jobs.recogniser import recogniser_from_environment
from jobs.run_options import FLAG
from jobs.storage import storage_from_environment

_OUT = Path(__file__).resolve().parents[1] / "build" / "replay"


@click.command(cls=Command, help=wording.HELP)
@click.option("--from", "period_from", metavar=command_line.TEXT, help=command_line.FROM_HELP)
@click.option("--to", "period_to", metavar=command_line.TEXT, help=command_line.TO_HELP)
@click.option("--model", required=True, metavar=command_line.TEXT, help=wording.MODEL_HELP)
@click.option("--connection", default=RECOGNISER_CONN, metavar=command_line.TEXT, help=wording.CONNECTION_HELP)
@click.option("--rate", metavar=command_line.NUMBER, type=click.FloatRange(min=0), help=wording.RATE_HELP)
@click.option("--limit", metavar=command_line.NUMBER, type=click.IntRange(min=1), help=wording.LIMIT_HELP)
@click.option("--adopt", help=wording.ADOPT_HELP, **FLAG)
@click.option("--out", metavar=command_line.FILE, default=str(_OUT), help=wording.OUT_HELP)
def main(
    *,
    period_from: str | None,
    period_to: str | None,
    model: str,
    connection: str,
    rate: float | None,
    limit: int | None,
    adopt: bool,
    out: str,
) -> None:
    policy = load_policy(os.environ)
    period = resolve_period(
        period_from,
        period_to,
        run_after=datetime.now(UTC),
        allow_long=True,
        default_days=policy.period.default_days,
        max_days=policy.period.max_days,
    )
    engine = model if connection == RECOGNISER_CONN else f"{model}@{connection}"
    with (
        recogniser_from_environment(connection, model, timeout_sec=policy.stt.timeout_seconds) as recogniser,
        State.open(make_conninfo(**state_conninfo())) as state,
    ):
        replay = Replay(
            period, engine, recogniser, rate_of(model, connection, rate, policy.stt), getpass.getuser(), limit
        )
        services = Services(storage_from_environment(), state, policy)
        planned = forecast(replay, services)
        click.echo(wording.forecast(planned.forecast, planned.spending.spent, planned.ceiling))
        done = replay_period(replay, services)
        _tell(done)
        whole = done.whole
        if adopt and done.stopped is None:
            whole = _adopt(replay, services) and whole
        click.echo(wording.report_written(*_write(done, replay, services, Path(out))))
    sys.exit(0 if whole else FAILED)


def rate_of(model: str, connection: str, rate: float | None, stt: SttPolicy) -> Decimal:
    """USD a minute: the one that was asked for, that of the settings for their two models, else the public one."""
    if rate is not None:
        return Decimal(repr(rate))
    if model == stt.model and connection == RECOGNISER_CONN:
        return rate_per_minute(stt)
    return fallback_rate_per_minute(stt) if model == stt.fallback_model else profile_of(model).rate_per_min_usd


def _tell(done: Replayed) -> None:
    click.echo(wording.heard(done.heard_now, done.requests, done.spent))
    if done.without_audio:
        click.echo(wording.without_audio(command_line.some(done.without_audio)), err=True)
    if done.in_work:
        click.echo(command_line.in_work(done.in_work), err=True)
    for call_id, error in done.failed:
        click.echo(wording.failed(call_id, error), err=True)
    if done.stopped is not None:
        click.echo(wording.stopped(done.stopped), err=True)


def _adopt(replay: Replay, services: Services) -> bool:
    done = adopt_period(replay, services)
    click.echo(wording.adopted(done.adopted))
    if done.summaries_removed:
        click.echo(command_line.summaries_removed(done.summaries_removed))
    if done.in_work:
        click.echo(command_line.in_work(done.in_work), err=True)
    if done.changed_since:
        click.echo(wording.changed_since(command_line.some(done.changed_since)), err=True)
    if done.adopted:
        start, end = f"{replay.period.start:%Y-%m-%d}", f"{replay.period.end:%Y-%m-%d}"
        click.echo(wording.files_are_written_by(start, end))
    return not (done.in_work or done.changed_since)


def _write(done: Replayed, replay: Replay, services: Services, folder: Path) -> tuple[Path, Path]:
    found = Comparison(
        engine=replay.engine,
        period=replay.period,
        wanted=len(done.wanted),
        heard=services.replays.heard(replay.engine, done.wanted),
        not_heard=_not_heard(done),
        words_beside=lambda row: words_beside(row, services),
    )
    folder.mkdir(parents=True, exist_ok=True)
    name = "".join(char if char.isalnum() or char in ".-_" else "_" for char in replay.engine)
    report = folder / f"replay_{replay.period.folder}_{name}.md"
    table = report.with_name(f"{report.stem}.csv")
    report.write_text(replay_markdown(found), encoding="utf-8")
    table.write_bytes(replay_csv(found))
    return report, table


def _not_heard(done: Replayed) -> Sequence[tuple[str, str]]:
    return [
        *((call_id, problems.sentence(error)) for call_id, error in done.failed),
        *((call_id, wording.NO_AUDIO) for call_id in done.without_audio),
        *((call_id, wording.IN_WORK) for call_id in done.in_work),
    ]


if __name__ == "__main__":
    main()
