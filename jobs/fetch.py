"""Writes the folder of an exported period as a tar archive to the standard output: texts, registry, report.

    docker compose run --rm -T app python -m jobs.fetch --from 2025-08-01 --to 2025-08-31 > texts.tar

Pays nothing; `jobs.deliver` puts the texts of a period into its folder. The audit log gets an entry.
Exit status: 0 done, 1 not done: the archive is not whole, 2 refused: nothing was written.
"""

import getpass
import sys
import tarfile
from datetime import UTC, datetime

import click
from psycopg.conninfo import make_conninfo

from include.calls.domain.audit_chain import Action
from include.calls.state.audit import AuditLog
from include.calls.state.state import State
from include.calls.wording import command_line
from include.common.errors import BadInput
from include.common.periods import resolve_period
from jobs.call_export import state_conninfo
from jobs.command import Command
from jobs.storage import storage_from_environment


@click.command(cls=Command, help=command_line.FETCH_HELP)
@click.option("--from", "period_from", metavar=command_line.TEXT, required=True, help=command_line.FROM_HELP)
@click.option("--to", "period_to", metavar=command_line.TEXT, required=True, help=command_line.TO_HELP)
def main(*, period_from: str, period_to: str) -> None:
    if sys.stdout.isatty():
        raise BadInput("the archive is written to the standard output: add > texts.tar", problem="archive_to_terminal")
    period = resolve_period(
        period_from, period_to, run_after=datetime.now(UTC), allow_long=True, default_days=1, max_days=1
    )
    prefix = f"exports/{period.folder}/"
    storage = storage_from_environment()
    found = list(storage.objects(prefix))
    if not found:
        raise BadInput(f"the storage has no {prefix}", problem="folder_not_there", folder=prefix)
    with State.open(make_conninfo(**state_conninfo())) as state:
        detail = {"folder": period.folder, "files": len(found)}
        AuditLog(state.session).record(Action.FILES_FETCHED, actor=getpass.getuser(), detail=detail)
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        for one in found:
            with storage.as_file(one.key) as path, path.open("rb") as content:
                member = tarfile.TarInfo(one.key.removeprefix("exports/"))
                member.size, member.mtime, member.mode = path.stat().st_size, int(one.written_at.timestamp()), 0o600
                archive.addfile(member, content)
    click.echo(command_line.fetched(len(found), period.folder), err=True)


if __name__ == "__main__":
    main()
