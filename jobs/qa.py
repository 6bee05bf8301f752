"""The QA sample of a run at the command line: list it, take it as a table, record what was found.

    python -m jobs.qa --run-id <run_id>                              the sample and how far the listening has come
    python -m jobs.qa --run-id <run_id> --out sample.csv             the same as a table to fill in
    python -m jobs.qa --file sample.csv --by "Name"                  read the filled-in table
    python -m jobs.qa --run-id <run_id> --call-id <call_id> --result ok|issue --comment "..." --by "Name"

Exit status: 0 done, 1 not done, 2 refused: nothing was recorded.
"""

import getpass
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
from include.calls.wording import codes, command_line
from include.common import russian_format as ru
from include.common.errors import BadInput, ExportError
from jobs.airflow_api import AirflowApi
from jobs.call_export import state_conninfo
from jobs.command import Command

NEW_FILE = click.Path(dir_okay=False, path_type=Path)
OLD_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

console = Console(highlight=False, soft_wrap=True)


@click.command(cls=Command, help=command_line.QA_HELP)
@click.option("--run-id", metavar=command_line.TEXT, help=command_line.QA_RUN_HELP)
@click.option("--out", type=NEW_FILE, metavar=command_line.FILE, help=command_line.OUT_HELP)
@click.option("--file", type=OLD_FILE, metavar=command_line.FILE, help=command_line.FILE_HELP)
@click.option("--call-id", metavar=command_line.TEXT, help=command_line.CALL_HELP)
@click.option("--record-id", metavar=command_line.TEXT, help=command_line.RECORD_HELP)
@click.option("--result", metavar=command_line.TEXT, help=command_line.RESULT_HELP)
@click.option("--comment", default="", metavar=command_line.TEXT, help=command_line.COMMENT_HELP)
@click.option("--by", metavar=command_line.TEXT, help=command_line.BY_HELP)
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
    with State.open(make_conninfo(**state_conninfo())) as state:
        if file:
            _read(file, run_id, by, state)
        elif call_id or result:
            _record(_uuid(run_id), call_id, record_id, result, comment, by, state)
        else:
            _show(_sample(_uuid(run_id), state), out)


def _sample(run_id: UUID, state: State) -> Sample:
    return sample_of(run_id, state, load_policy({}).thresholds.qa_sample_size)


def _show(sample: Sample, out: Path | None) -> None:
    if out:
        out.write_bytes(write_sample(sample.items, sample.run.run_id, folder=sample.run.period.folder))
        click.echo(command_line.sample_written(out))
    else:
        table = Table(*command_line.QA_COLUMNS, box=None, pad_edge=False)
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
    click.echo(command_line.listened(sample.checked, len(sample.items), sample.issues))


def _plain(text: str) -> str:
    """An untrusted text for the terminal: without markup of rich and without escape sequences."""
    return "".join(char if char.isprintable() else " " for char in text).replace("[", r"\[")


def _read(file: Path, run_id: str | None, by: str | None, state: State) -> None:
    found, checks = filled_in(read_sample(file.read_bytes()))
    if run_id and _uuid(run_id) != found:
        raise BadInput(
            f"{file} is the sample of run {found}, not of {run_id}",
            problem="sample_of_another_run",
            file=file,
            run_id=found,
            asked=run_id,
        )
    state.runs.get(found)
    _publish(found, record_checks(found, checks, state, by=_name(by)), state)


def _record(
    run_id: UUID, call_id: str | None, record_id: str | None, result: str | None, comment: str, by: str | None,
    state: State,
) -> None:  # fmt: skip
    if not call_id or not result:
        raise BadInput(
            "CALL_ID and RESULT go together: the call that was listened to, and ok or issue",
            problem="finding_incomplete",
        )
    state.runs.get(run_id)
    recording = record_id or only_recording(run_id, call_id, state)
    check = qa_check(call_id, recording, result, comment, where=f"CALL_ID {call_id}")
    _publish(run_id, record_checks(run_id, [check], state, by=_name(by)), state)


def _publish(run_id: UUID, changed: int, state: State) -> None:
    """Tells what was recorded, and has the report written again; a run that goes on writes it anyway."""
    sample = _sample(run_id, state)
    click.echo(command_line.findings_recorded(changed, sample.checked, len(sample.items), sample.issues))
    if changed and sample.run.status is not RunStatus.RUNNING:
        try:
            AirflowApi.from_environment().publish_again(sample.dag_run_id)
        except ExportError as error:
            click.echo(command_line.report_stays(error), err=True)
        else:
            click.echo(command_line.REPORT_IS_REWRITTEN)


def _name(by: str | None) -> str:
    name = " ".join((by or getpass.getuser()).split())
    if not 1 <= len(name) <= 200:
        raise BadInput("BY takes the name of a person, 1 to 200 characters", problem="name_of_nobody")
    return name


def _uuid(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        raise BadInput(
            f"RUN_ID {text or ''!r} is no run id; copy it from the report or from call_exports",
            problem="no_run_id",
            run_id=text or "",
        ) from None


if __name__ == "__main__":
    main()
