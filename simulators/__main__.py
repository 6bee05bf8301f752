"""`python -m simulators portal|recogniser|hearing|sales|slack`: one simulator in this process, until SIGTERM."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from simulators.bitrix24.app import TOKEN, PortalSimulator
from simulators.bitrix24.limits import Limits
from simulators.bitrix24.seeded import MakeAudio, brief, from_folder, minutes, seeded_world, spoken
from simulators.kit.serving import LOOPBACK, serve
from simulators.openai.app import KEY, RecogniserSimulator
from simulators.openai.scorecard_judge import answer_by_text
from simulators.sales_world import SalesWorld
from simulators.slack import SlackSimulator
from simulators.sound.hearing_recogniser import HearingRecogniser

cli = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, help=__doc__)

Host = Annotated[str, typer.Option(help="an address of this machine, for a trial with several hosts")]
Port = Annotated[int, typer.Option(help="0 takes a free port; the URL is printed as one JSON line")]


@cli.command()
def portal(
    *,
    day_from: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="first day, UTC")],
    day_to: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="last day, inclusive")],
    port: Port = 0,
    host: Host = LOOPBACK,
    webhook_user: str = "1",
    token: str = TOKEN,
    seed: int = 7,
    calls: int = 60,
    recordings_dir: Annotated[Path | None, typer.Option(help="serve these recordings instead of own ones")] = None,
    brief_recordings: Annotated[bool, typer.Option(help="a second or two each, for measuring")] = False,
    minute_recordings: Annotated[bool, typer.Option(help="a minute each, for measuring")] = False,
    mono_recordings: Annotated[bool, typer.Option(help="those of a minute have one channel")] = False,
    rps: Annotated[float, typer.Option(help="requests a second that the bucket drains")] = 2.0,
    bucket: Annotated[int, typer.Option(help="requests that the bucket holds")] = 50,
    speed: Annotated[float, typer.Option(help="how many times faster the limits' clock runs")] = 1.0,
    link_ttl: Annotated[float, typer.Option(help="seconds that a download link lives")] = 3600.0,
) -> None:
    """A Bitrix24 portal with a seeded world of calls."""
    start = day_from.replace(tzinfo=UTC)
    end = day_to.replace(tzinfo=UTC) + timedelta(days=1)
    make = minutes(mono=mono_recordings) if minute_recordings else _recordings(recordings_dir, short=brief_recordings)
    seconds = (60, 60) if minute_recordings else (10, 40)
    simulator = PortalSimulator(
        seeded_world(seed, start, end, calls, make, seconds=seconds),
        user=webhook_user,
        token=token,
        limits=Limits(rps=rps, bucket=bucket, speed=speed),
        link_ttl=link_ttl,
    )
    serve(simulator, port, host)


@cli.command()
def recogniser(
    port: Port = 0,
    host: Host = LOOPBACK,
    key: str = KEY,
    latency_per_minute: Annotated[float, typer.Option(help="seconds per minute of audio")] = 0.0,
    requests_per_minute: int = 5000,
) -> None:
    """An OpenAI-compatible recogniser and language model."""
    simulator = RecogniserSimulator(
        key=key, latency_per_minute=latency_per_minute, requests_per_minute=requests_per_minute
    )
    simulator.writes = answer_by_text
    serve(simulator, port, host)


@cli.command()
def hearing(
    port: Port = 0,
    dialect: Annotated[str, typer.Option(help="a server's form of the response")] = "gpt-transcribe",
    mistakes: Annotated[float, typer.Option(help="share of words that are misheard")] = 0.0,
) -> None:
    """A recogniser that hears numbered words, as in playlists/smoke_demo."""
    serve(HearingRecogniser(dialect, mistakes=mistakes), port)


@cli.command()
def sales(
    *,
    day_from: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="first day")],
    day_to: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="last day, inclusive")],
    port: Port = 0,
    orders: int = 600,
) -> None:
    """QTickets, VK Ads, Yandex Direct and Gmail with seeded sales and ads."""
    serve(SalesWorld(day_from.date(), day_to.date(), orders=orders), port)


@cli.command()
def slack(port: Port = 0) -> None:
    """A sink for Slack messages, to be read at `/__control__/journal`."""
    serve(SlackSimulator(), port)


def _recordings(folder: Path | None, *, short: bool) -> MakeAudio:
    if folder is not None:
        try:
            return from_folder(folder)
        except (OSError, ValueError) as error:
            raise typer.BadParameter(str(error), param_hint="--recordings-dir") from None
    return brief() if short else spoken()


if __name__ == "__main__":
    cli()
