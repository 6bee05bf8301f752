"""The QA sample of a run at the command line: list it, take it as a table, record what was found.

    python -m jobs.qa --run-id <run_id>                              the sample and how far the listening has come
    python -m jobs.qa --run-id <run_id> --out sample.csv             the same as a table to fill in
    python -m jobs.qa --file sample.csv --by "Имя"                   read the filled-in table
    python -m jobs.qa --run-id <run_id> --call-id <call_id> --result ok|issue --comment "..." --by "Имя"

Exit status: 0 done, 2 refused: nothing was recorded.
"""

import getpass
import sys
from pathlib import Path
from uuid import UUID

import click
from psycopg.conninfo import make_conninfo
from rich.console import Console
from rich.table import Table

from include.calls.domain.qa_sample import filled_in, qa_check
from include.calls.domain.states import RunStatus
from include.calls.policy import load_policy
from include.calls.reporting.qa_table import read_sample, write_sample
from include.calls.state.state import State
from include.calls.steps.qa_review import Sample, only_recording, record_checks, sample_of
from include.calls.wording import codes
from include.common import russian_format as ru
from include.common.errors import BadInput, ExportError
from jobs.airflow_api import AirflowApi
from jobs.call_export import state_conninfo

console = Console(highlight=False, soft_wrap=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--run-id", help="call_exports.run_id.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the sample to this CSV file.")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Read a filled-in sample.")
@click.option("--call-id", help="The call that was listened to.")
@click.option("--record-id", help="Its recording, where it has several.")
@click.option("--result", help="ok or issue.")
@click.option("--comment", default="", help="What is wrong; an issue needs it.")
@click.option("--by", help="Who listened.  [default: the user of this machine]")
def main(
    *,
    run_id: str | None,
    out: Path | None,
    file: Path | None,
    call_id: str | None,
    record_id: str | None,
    result: str | None,
    comment: str,
    by: str | None,
) -> None:
    """QA of an export: which texts to listen to, and what people found."""
    try:
        with State(make_conninfo(**state_conninfo())) as state:
            if file:
                _read(file, run_id, by, state)
            elif call_id or result:
                _record(_uuid(run_id), call_id, record_id, result, comment, by, state)
            else:
                _show(sample_of(_uuid(run_id), state, load_policy({})), out)
    except BadInput as error:
        click.echo(f"refused: {error}", err=True)
        sys.exit(2)
    except ExportError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def _show(sample: Sample, out: Path | None) -> None:
    if out:
        out.write_bytes(write_sample(sample.items, sample.run.run_id, folder=sample.folder))
        click.echo(f"{out}: заполните result (ok или issue) и comment, затем make qa FILE={out}")
    else:
        table = Table("№", "CALL_ID", "RECORD_ID", "Длина", "Пометка", "Файл", "Оценка", box=None, pad_edge=False)
        for number, item in enumerate(sample.items, start=1):
            flags = ", ".join(codes.REVIEW_REASONS.get(reason, reason) for reason in item.review_reasons)
            name = item.transcript_path.rpartition("/")[2]
            cells = [
                str(number),
                item.call_id,
                item.record_id,
                ru.clock(item.audio_sec),
                flags,
                name,
                item.result or "",
            ]
            table.add_row(*map(_plain, cells))
        console.print(table)
    click.echo(sample.sentence)


def _plain(text: str) -> str:
    """A stranger's text in a terminal: no colours of rich's, no escape sequences."""
    return "".join(char if char.isprintable() else " " for char in text).replace("[", r"\[")


def _read(file: Path, run_id: str | None, by: str | None, state: State) -> None:
    found, checks = filled_in(read_sample(file.read_bytes()))
    if run_id and _uuid(run_id) != found:
        raise BadInput(f"{file} is the sample of run {found}, not of {run_id}")
    sample_of(found, state, load_policy({}))
    _told(found, record_checks(found, checks, state, by=_name(by)), state)


def _record(
    run_id: UUID, call_id: str | None, record_id: str | None, result: str | None, comment: str, by: str | None,
    state: State,
) -> None:  # fmt: skip
    if not call_id or not result:
        raise BadInput("CALL_ID and RESULT go together: the call that was listened to, and ok or issue")
    sample_of(run_id, state, load_policy({}))
    recording = record_id or only_recording(run_id, call_id, state)
    check = qa_check(call_id, recording, result, comment, where=f"CALL_ID={call_id}")
    _told(run_id, record_checks(run_id, [check], state, by=_name(by)), state)


def _told(run_id: UUID, changed: int, state: State) -> None:
    sample = sample_of(run_id, state, load_policy({}))
    click.echo(f"записано новых оценок: {changed}; {sample.sentence}")
    if changed and sample.run.status is not RunStatus.RUNNING:  # a run that goes on writes its report by itself
        try:
            AirflowApi.from_environment().publish_again(sample.dag_run_id)
        except ExportError as error:
            click.echo(f"отчёт пока прежний ({error}): он перепишется, когда вы очистите publish в Airflow", err=True)
        else:
            click.echo("отчёт переписывается задачей publish")


def _name(by: str | None) -> str:
    name = " ".join((by or getpass.getuser()).split())
    if not 1 <= len(name) <= 200:
        raise BadInput("BY takes the name of a person, 1 to 200 characters")
    return name


def _uuid(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        raise BadInput(f"RUN_ID {text or ''!r} is no run id; copy it from the report or from call_exports") from None


if __name__ == "__main__":
    main()
