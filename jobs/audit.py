"""Prints the audit log and checks that no entry was changed, removed or moved.

    python -m jobs.audit                                      every entry
    python -m jobs.audit --from 2025-08-01 --to 2025-08-31    entries of these days (UTC); the whole chain is checked
    python -m jobs.audit --head 120:9f86d081                  also looks for an entry that was noted earlier

Exit status: 0 the chain is whole, 1 it is broken, 2 refused.
"""

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, time, timedelta

import click
from psycopg.conninfo import make_conninfo

from include.calls.domain.audit_chain import Entry, Noted, breaks
from include.calls.state.audit import AuditLog
from include.calls.state.state import State
from include.calls.wording import audit as wording
from include.calls.wording import command_line
from include.common.errors import BadInput
from include.common.spreadsheet_cells import formula_safe
from jobs.call_export import state_conninfo
from jobs.command import FAILED, Command


@click.command(cls=Command, help=wording.HELP)
@click.option("--from", "first", metavar=command_line.TEXT, help=wording.FROM_HELP)
@click.option("--to", "last", metavar=command_line.TEXT, help=wording.TO_HELP)
@click.option("--head", metavar=command_line.TEXT, help=wording.HEAD_HELP)
def main(*, first: str | None, last: str | None, head: str | None) -> None:
    since, until, noted = _day(first), _day(last, end=True), _noted(head)
    with State.open(make_conninfo(**state_conninfo())) as state:
        sys.exit(0 if _show_and_check(AuditLog(state.session), since, until, noted) else FAILED)


def _show_and_check(audit: AuditLog, since: datetime | None, until: datetime | None, noted: Noted | None) -> bool:
    """True if the chain is whole. One pass: the entries that are shown are those that were checked."""
    counted, found_noted = 0, noted is None
    click.echo(_line(wording.COLUMNS))

    def passing(entries: Iterator[Entry]) -> Iterator[Entry]:
        nonlocal counted, found_noted
        for entry in entries:
            counted += 1
            found_noted = found_noted or (noted is not None and noted.is_entry(entry))
            if (since is None or entry.at >= since) and (until is None or entry.at < until):
                click.echo(_line(_cells(entry)))
            yield entry

    with audit.snapshot() as ends, closing(audit.entries()) as entries:
        found = list(breaks(passing(entries), ends))
    for each in found:
        click.echo(wording.fault(each), err=True)
    if noted is not None and not found_noted:
        click.echo(wording.NOTED_IS_GONE.format(entry=noted.entry_no), err=True)
    faults = len(found) + (not found_noted)
    click.echo(wording.broken(faults) if faults else wording.whole(counted, ends.last_no, ends.last_hash), err=True)
    return not faults


def _cells(entry: Entry) -> tuple[str, ...]:
    return (
        str(entry.entry_no),
        wording.moment(entry.at),
        entry.actor,
        entry.database_role,
        wording.action(entry.action),
        str(entry.run_id or ""),
        " ".join(filter(None, (entry.call_id, entry.record_id))),
        entry.reason,
        entry.detail,
    )


def _line(cells: tuple[str, ...]) -> str:
    """CSV with semicolons, as Excel opens it in Russia; a cell is never a formula and has no control characters."""
    out = io.StringIO()
    printable = ("".join(char if char.isprintable() else " " for char in cell) for cell in cells)
    csv.writer(out, delimiter=";", lineterminator="").writerow(map(formula_safe, printable))
    return out.getvalue()


def _day(text: str | None, *, end: bool = False) -> datetime | None:
    if not text:
        return None
    try:
        day = datetime.combine(datetime.strptime(text, "%Y-%m-%d").date(), time(), UTC)  # noqa: DTZ007
    except ValueError:
        raise BadInput(f"{text!r} is no day such as 2025-08-01", problem="audit_bad_day", text=text) from None
    return day + timedelta(days=end)


def _noted(text: str | None) -> Noted | None:
    if not text:
        return None
    entry_no, _, beginning = text.partition(":")
    if not entry_no.isdigit() or len(beginning) < 8 or set(beginning) - set("0123456789abcdef"):
        raise BadInput(f"{text!r} is no entry such as 120:9f86d081", problem="audit_bad_head", text=text)
    return Noted(int(entry_no), beginning)


if __name__ == "__main__":
    main()
