"""Scores of calls at the command line: start a run, sheets for calibration, calibrate, take scores as a table.

    python -m jobs.quality score [--from 2026-11-01 --to 2026-11-30] [--card NAME] [--limit N] [--dry-run=true] [--wait]
    python -m jobs.quality sheet --card NAME --count 200 --from ... --to ... --out set.csv
    python -m jobs.quality verdicts --card NAME --file set.csv --by "Name"
    python -m jobs.quality calibrate --card NAME [--provider NAME] [--repeats 2]
    python -m jobs.quality export --from ... --to ... --out scores.csv|scores.xlsx

Exit status: 0 done, 1 not done, 2 refused.
"""

import getpass
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click
from psycopg.conninfo import make_conninfo

from include.call_centre.names import CALIBRATE_DAG_ID, QUALITY_DAG_ID
from include.call_centre.policy import load_call_centre_policy
from include.call_centre.reporting.calibration_sheet import read_sheet, write_sheet, write_spreadsheet
from include.call_centre.reporting.score_table import write_scores
from include.call_centre.state.quality_people import QualityPeople
from include.call_centre.state.state import QualityState
from include.call_centre.steps.calibrate import fill_set, take_verdicts
from include.call_centre.steps.day_figures import bounds_of
from include.call_centre.steps.load_cards import all_cards, newest_cards
from include.call_centre.wording import command_line as words
from include.call_centre.wording.problems import PROBLEMS
from include.calls.domain.audit_chain import Action
from include.calls.state.audit import AuditLog
from include.calls.state.state import State
from include.common.errors import ExportError
from include.common.personal_data.hiding import without_personal_data
from jobs.airflow_api import AirflowApi
from jobs.call_export import state_conninfo
from jobs.command import FAILED, REFUSED, Command, Group

NEW_FILE = click.Path(dir_okay=False, path_type=Path)
OLD_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
LOOK_SECONDS = 1.0
DAY = click.DateTime(["%Y-%m-%d"])


class Verbs(Group):
    """Errors of this area in the words of its catalogue."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ExportError as error:
            if error.problem not in PROBLEMS:
                raise
            click.echo(words.refused(error), err=True)
            ctx.exit(REFUSED)


@click.group(cls=Verbs, help=words.HELP)
def main() -> None:
    pass


@main.command(cls=Command, help=words.SCORE_HELP)
@click.option("--from", "first", type=DAY, metavar=words.DAY, help=words.FROM_HELP)
@click.option("--to", "last", type=DAY, metavar=words.DAY, help=words.TO_HELP)
@click.option("--card", metavar=words.NAME, help=words.CARD_HELP)
@click.option("--limit", type=click.IntRange(min=0), default=0, metavar=words.COUNT, help=words.LIMIT_HELP)
@click.option("--dry-run", type=bool, default=False, metavar="true", help=words.DRY_RUN_HELP)
@click.option("--wait", is_flag=True, help=words.WAIT_HELP)
def score(
    *, first: datetime | None, last: datetime | None, card: str | None, limit: int, dry_run: bool, wait: bool
) -> None:
    asked = {"card": card, "date_from": first and f"{first:%Y-%m-%d}", "date_to": last and f"{last:%Y-%m-%d}"}
    conf = {name: value for name, value in asked.items() if value} | {"limit": limit, "dry_run": dry_run}
    api, dag_run_id = _trigger(QUALITY_DAG_ID, conf)
    if wait:
        api.unpause()
        while api.is_live(dag_run_id):
            time.sleep(LOOK_SECONDS)
        click.echo(api.note(dag_run_id))
        if api.state(dag_run_id) != "success":
            click.get_current_context().exit(FAILED)


@main.command(cls=Command, help=words.CALIBRATE_HELP)
@click.option("--card", required=True, metavar=words.NAME, help=words.CARD_HELP)
@click.option("--provider", metavar=words.NAME, help=words.PROVIDER_HELP)
@click.option("--repeats", type=click.IntRange(1, 5), default=1, metavar=words.COUNT, help=words.REPEATS_HELP)
def calibrate(*, card: str, provider: str | None, repeats: int) -> None:
    _trigger(CALIBRATE_DAG_ID, {"card": card, "repeats": repeats} | ({"provider": provider} if provider else {}))


@main.command(cls=Command, help=words.SHEET_HELP)
@click.option("--card", required=True, metavar=words.NAME, help=words.CARD_HELP)
@click.option("--count", type=click.IntRange(1, 5000), default=100, metavar=words.COUNT, help=words.COUNT_HELP)
@click.option("--from", "first", required=True, type=DAY, metavar=words.DAY, help=words.FROM_HELP)
@click.option("--to", "last", required=True, type=DAY, metavar=words.DAY, help=words.TO_HELP)
@click.option("--out", required=True, type=NEW_FILE, metavar=words.FILE, help=words.OUT_HELP)
def sheet(*, card: str, count: int, first: datetime, last: datetime, out: Path) -> None:
    (found,) = newest_cards([card])
    since, until = _period(first, last)
    policy = load_call_centre_policy(os.environ)
    with QualityState.open(make_conninfo(**state_conninfo())) as state:
        state.runs.keep_cards(all_cards())
        items = fill_set(found, count, state, policy, since=since, until=until, mask=without_personal_data)
    write = write_spreadsheet if out.suffix.lower() == ".xlsx" else write_sheet
    out.write_bytes(write(found, items))
    click.echo(words.sheet_written(len(items), out.name))


@main.command(cls=Command, help=words.VERDICTS_HELP)
@click.option("--card", required=True, metavar=words.NAME, help=words.CARD_HELP)
@click.option("--file", required=True, type=OLD_FILE, metavar=words.FILE, help=words.FILE_HELP)
@click.option("--by", metavar=words.NAME, help=words.BY_HELP)
def verdicts(*, card: str, file: Path, by: str | None) -> None:
    (found,) = newest_cards([card])
    rows = read_sheet(file.read_bytes(), found)
    with QualityState.open(make_conninfo(**state_conninfo())) as state:
        state.runs.keep_cards(all_cards())
        click.echo(words.verdicts_taken(take_verdicts(found, rows, state, rater=by or getpass.getuser())))


@main.command(cls=Command, help=words.EXPORT_HELP)
@click.option("--from", "first", required=True, type=DAY, metavar=words.DAY, help=words.FROM_HELP)
@click.option("--to", "last", required=True, type=DAY, metavar=words.DAY, help=words.TO_HELP)
@click.option("--out", required=True, type=NEW_FILE, metavar=words.FILE, help=words.OUT_HELP)
def export(*, first: datetime, last: datetime, out: Path) -> None:
    since, until = _period(first, last)
    conninfo = make_conninfo(**state_conninfo())
    with State.open(conninfo) as calls:  # what leaves is noted first
        detail = {"from": f"{first:%Y-%m-%d}", "to": f"{last:%Y-%m-%d}", "file": out.name}
        AuditLog(calls.session).record(Action.SCORES_TAKEN, actor=getpass.getuser(), detail=detail)
    with QualityState.open(conninfo) as state:
        zone = load_call_centre_policy(os.environ).zone
        written = write_scores(QualityPeople(state.session).exported(since, until), out, zone)
    click.echo(words.scores_written(written, out.name))


def _period(first: datetime, last: datetime) -> tuple[datetime, datetime]:
    """Local days, the last one inclusive."""
    zone = load_call_centre_policy(os.environ).zone
    return bounds_of(first.date(), zone)[0], bounds_of(last.date(), zone)[1]


def _trigger(dag_id: str, conf: Mapping[str, object]) -> tuple[AirflowApi, str]:
    """The id of the DAG run, and where it is."""
    api = AirflowApi.from_environment(dag_id)
    dag_run_id = f"manual__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"
    api.trigger(dag_run_id, conf)
    click.echo(words.started(f"{api.address}/dags/{dag_id}/runs/{dag_run_id}"))
    return api, dag_run_id


if __name__ == "__main__":
    main()
