"""Checks the recogniser with a playlist of recordings whose texts are known.

    python -m jobs.stt_smoke --playlist playlists/smoke_demo/playlist.yaml --report build/stt_smoke_report.json

Settings are those of the environment and, below it, of `.env`; Airflow does not have to run.
Exit status: 0 all within the thresholds, 1 an entry failed or a threshold was missed, 2 the playlist or a setting
cannot be used, 3 nothing was tested.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import click
from dotenv import dotenv_values

from include.calls.policy import Policy, load_policy
from include.clients.storage.local import LocalStorage
from include.common.errors import AccessDenied, BadInput, NotConfigured, StopRun
from include.common.names import DIRECT, FALLBACK_RECOGNISER_CONN, RECOGNISER_CONN
from include.smoke.domain.engine import Engine, engine_of
from include.smoke.names import STUB_SERVICE
from include.smoke.policy import SmokePolicy, load_smoke_policy
from include.smoke.steps.hear_entry import Services, hear_entry
from include.smoke.steps.prepare import SmokeRun, prepare, read_playlist, refuse_above
from include.smoke.steps.write_report import Written, write_report
from include.smoke.wording import command_line
from include.speech.quality_flags import ReviewPolicy
from include.speech.recognition_client import Recogniser, RecogniserSettings
from jobs.command import Command
from jobs.recogniser import access_of

ROOT = Path(__file__).resolve().parents[1]
GOOD, FAILED, UNUSABLE, NOTHING_TESTED = 0, 1, 2, 3
_OFF = Decimal(0)
_OUT, _REPORT = ROOT / "build" / "stt_smoke", ROOT / "build" / "stt_smoke_report.json"


class NothingTested(Exception):
    """No entry can be sent; the message is the Russian reason."""


@click.command(cls=Command, help=command_line.HELP)
@click.option("--playlist", metavar=command_line.FILE, help=command_line.PLAYLIST_HELP)
@click.option("--report", metavar=command_line.FILE, default=str(_REPORT), help=command_line.REPORT_HELP)
@click.option("--engine", "engines", metavar=command_line.NAME, multiple=True, help=command_line.ENGINE_HELP)
@click.option("--against", metavar=command_line.NAME, help=command_line.AGAINST_HELP)
@click.option("--fresh", is_flag=True, help=command_line.FRESH_HELP)
@click.option(
    "--limit", type=click.IntRange(min=0), default=0, metavar=command_line.COUNT, help=command_line.LIMIT_HELP
)
@click.option(
    "--out", metavar=command_line.FOLDER, default=str(ROOT / "build" / "stt_smoke"), help=command_line.OUT_HELP
)
def main(
    *,
    playlist: str | None,
    report: str,
    engines: tuple[str, ...],
    against: str | None,
    fresh: bool,
    limit: int,
    out: str,
) -> None:
    settings = {**_env_file(), **os.environ}
    try:
        checked = _Checked(settings, Path(out))
        run = checked.run(playlist, [*engines, *([against] if against else [])], fresh=fresh, limit=limit)
        written = checked.test(run)
    except NothingTested as nothing:
        _end(NOTHING_TESTED, command_line.nothing_tested(str(nothing)))
    except (BadInput, NotConfigured, AccessDenied) as error:
        _end(UNUSABLE, command_line.refused(error))
    except StopRun as error:
        _end(FAILED, command_line.stopped(error))
    _copy(written, checked.storage, Path(report))
    click.echo(command_line.done(written.report.failed, written.report.tested, report))
    sys.exit(FAILED if written.report.failed else GOOD)


class _Checked:
    """The settings, checked before anything is read of the playlist."""

    def __init__(self, settings: Mapping[str, str], out: Path) -> None:
        if _is_zero(settings.get("STT_MAX_FILE_MINUTES", "")):
            raise NothingTested(command_line.SWITCHED_OFF)
        self.settings = settings
        self.product: Policy = load_policy(settings)
        self.policy: SmokePolicy = load_smoke_policy(settings)
        out.mkdir(parents=True, exist_ok=True)
        self.storage = LocalStorage(out)

    def run(self, playlist: str | None, engines: Sequence[str], *, fresh: bool, limit: int) -> SmokeRun:
        path = Path(playlist or self.policy.playlist.path)
        path = path if path.is_absolute() or path.exists() else ROOT / path
        found, content_hash = read_playlist(path)
        names = list(dict.fromkeys(engines if engines else [found.engine]))
        return SmokeRun(
            smoke_id=f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}",
            folder=path.parent,
            playlist=found,
            playlist_hash=content_hash,
            engines=tuple(self._engine(name, found.language) for name in names),
            fresh=fresh,
            limit=limit,
        )

    def test(self, run: SmokeRun) -> Written:
        if not run.entries:
            raise NothingTested(command_line.EMPTY_PLAYLIST)
        access = {
            (engine.name, model): self._access(engine, model)
            for engine in run.engines
            for model in (engine.model, engine.fallback_model)
            if model
        }
        prepare(run, self.storage)
        budget = self.policy.money.budget_usd
        click.echo(command_line.forecast(refuse_above(budget, run, self.storage), budget))
        services = Services(
            self.storage,
            lambda engine, model: Recogniser(
                RecogniserSettings(model=model, timeout_sec=engine.timeout_seconds, **access[engine.name, model])
            ),
            ReviewPolicy(**self.product.review.model_dump()),
        )
        for engine in run.engines:
            for number in range(len(run.entries)):
                result = hear_entry(run, number, engine, services)
                click.echo(command_line.entry(engine.name, result.call_id, result.wer, result.error_code))
        return write_report(run, self.storage, at=datetime.now(UTC))

    def _engine(self, name: str, language: str) -> Engine:
        return engine_of(
            name, self.policy.engines, self.product.stt, language=language, default_connection=RECOGNISER_CONN
        )

    def _access(self, engine: Engine, model: str) -> dict[str, Any]:
        """Where and as whom to ask: the connection of a running system, else the variables of `.env`."""
        if model == engine.fallback_model and engine.connection == RECOGNISER_CONN and (own := self._fallback()):
            return own
        variable = f"AIRFLOW_CONN_{engine.connection.upper()}"
        if text := self.settings.get(variable):
            return access_of(json.loads(text))
        if engine.connection == STUB_SERVICE:
            if url := self.settings.get("STT_STUB_BASE_URL"):
                return {"api_key": None, "base_url": url, "proxy_url": None, "require_proxy": False}
            raise NothingTested(command_line.NO_STUB)
        if engine.connection != RECOGNISER_CONN:
            raise NothingTested(command_line.NO_CONNECTION.format(engine=engine.name, variable=variable))
        key, url = (self.settings.get(name) or None for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"))
        if key is None and url is None:
            raise NothingTested(command_line.NO_RECOGNISER)
        proxy = self.settings.get("CHATGPT_PROXY_URL") or None
        return {"api_key": key, "base_url": url, "proxy_url": proxy, "require_proxy": self._proxy_required}

    def _fallback(self) -> dict[str, Any] | None:
        """None if the fallback has no address of its own."""
        if text := self.settings.get(f"AIRFLOW_CONN_{FALLBACK_RECOGNISER_CONN.upper()}"):
            return access_of(json.loads(text))
        if not self.settings.get("STT_FALLBACK_BASE_URL"):
            return None
        proxy = self.settings.get("STT_FALLBACK_PROXY_URL") or self.settings.get("CHATGPT_PROXY_URL")
        return {
            "api_key": self.settings.get("STT_FALLBACK_API_KEY") or None,
            "base_url": self.settings["STT_FALLBACK_BASE_URL"],
            "proxy_url": None if proxy == DIRECT else proxy or None,
            "require_proxy": self._proxy_required,
        }

    @property
    def _proxy_required(self) -> bool:
        return self.settings.get("REQUIRE_PROXY", "").lower() in ("1", "true", "yes", "on")


def _env_file() -> dict[str, str]:
    file = ROOT / ".env"
    found = dotenv_values(file, encoding="utf-8") if file.exists() else {}
    return {name: value for name, value in found.items() if value}


def _is_zero(text: str) -> bool:
    try:
        return bool(text.strip()) and Decimal(text.strip()) == _OFF
    except ArithmeticError:
        return False


def _copy(written: Written, storage: LocalStorage, report: Path) -> None:
    """The report where the caller wants it, with its Markdown and its page of alignments beside it."""
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_bytes(storage.get_bytes(written.json_key))
    report.with_suffix(".md").write_bytes(storage.get_bytes(written.markdown_key))
    report.with_suffix(".html").write_bytes(storage.get_bytes(written.page_key))


def _end(status: int, sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
