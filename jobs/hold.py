"""Keeps a call, a phone line or a period from ending with its retention period, until a person or a day lifts the hold.

    python -m jobs.hold                                                     the holds in force
    python -m jobs.hold --call-id ID --reason "court order 12" --until 2027-01-01
    python -m jobs.hold --line +74951234567 --reason "..."
    python -m jobs.hold --from 2025-08-01 --to 2025-08-31 --reason "..."
    python -m jobs.hold --lift 3

Exit status: 0 done, 1 not done, 2 refused: nothing was changed.
"""

import getpass
from datetime import UTC, datetime, time

import click
from psycopg.conninfo import make_conninfo

from include.calls.domain.phone_numbers import spelled_alike
from include.calls.state.holds import Hold, Holds, Subject, nothing_held
from include.calls.state.state import State
from include.calls.wording import command_line
from include.calls.wording import holds as wording
from include.common.errors import BadInput
from include.common.periods import Period
from jobs.call_export import state_conninfo
from jobs.command import Command

MOST_REASON = 500
_LAST_SECOND = time(23, 59, 59)


@click.command(cls=Command, help=wording.HELP)
@click.option("--call-id", metavar=command_line.TEXT, help=wording.CALL_HELP)
@click.option("--line", metavar=command_line.TEXT, help=wording.LINE_HELP)
@click.option("--from", "first", metavar=command_line.TEXT, help=wording.FROM_HELP)
@click.option("--to", "last", metavar=command_line.TEXT, help=wording.TO_HELP)
@click.option("--reason", metavar=command_line.TEXT, help=wording.REASON_HELP)
@click.option("--by", metavar=command_line.TEXT, help=wording.BY_HELP)
@click.option("--until", metavar=command_line.TEXT, help=wording.UNTIL_HELP)
@click.option("--lift", metavar=command_line.TEXT, help=wording.LIFT_HELP)
def main(
    *,
    call_id: str | None,
    line: str | None,
    first: str | None,
    last: str | None,
    reason: str | None,
    by: str | None,
    until: str | None,
    lift: str | None,
) -> None:
    who = (by or "").strip() or getpass.getuser()
    subjects = [value for value in (call_id, line, first or last, lift) if value]
    if len(subjects) > 1:
        raise BadInput("one of --call-id, --line, --from with --to, and --lift", problem="hold_one_subject")
    with State.open(make_conninfo(**state_conninfo())) as state:
        holds = Holds(state.session)
        if lift:
            _lift(holds, lift, who)
        elif subjects:
            why, ends = _reason(reason), _end(until)
            found = _subjects(state.recordings.phone_lines(), call_id, line, _period(first, last))
            with state.transaction():
                placed = [holds.place(each, reason=why, by=who, until=ends) for each in found]
            click.echo("\n".join(map(_line, placed)))
        else:
            click.echo("\n".join(map(_line, holds.in_force())) or wording.NONE)


def _subjects(known: list[str], call_id: str | None, line: str | None, period: Period | None) -> list[Subject]:
    """A line is held in each spelling that the telephony system has given it."""
    if not line:
        return [Subject(call_id or None, None, period)]
    found = spelled_alike(line, known)
    if not found:
        raise nothing_held(line)
    return [Subject(phone_line=each) for each in found]


def _lift(holds: Holds, lift: str, who: str) -> None:
    if not lift.isdecimal() or not holds.lift(int(lift), by=who):
        raise BadInput(f"there is no hold {lift} in force", problem="hold_unknown", hold=lift)
    click.echo(wording.lifted(int(lift)))


def _reason(text: str | None) -> str:
    reason = (text or "").strip()
    if not 0 < len(reason) <= MOST_REASON:
        raise BadInput(f"a hold needs a reason of 1 to {MOST_REASON} characters", problem="hold_reason")
    return reason


def _period(first: str | None, last: str | None) -> Period | None:
    if not first and not last:
        return None
    start, end = _day(first), datetime.combine(_day(last).date(), _LAST_SECOND, UTC)
    if start > end:
        raise BadInput("the first day of a hold is after its last one", problem="hold_bad_day", text=f"{first} {last}")
    return Period(start, end)


def _end(text: str | None) -> datetime | None:
    if not text:
        return None
    end = _day(text)
    if end <= datetime.now(UTC):
        raise BadInput(f"the hold would have ended already on {text}", problem="hold_ended", text=text)
    return end


def _day(text: str | None) -> datetime:
    try:
        return datetime.combine(datetime.strptime(text or "", "%Y-%m-%d").date(), time(), UTC)  # noqa: DTZ007
    except ValueError:
        raise BadInput(f"{text!r} is no day such as 2025-08-01", problem="hold_bad_day", text=text or "") from None


def _line(hold: Hold) -> str:
    if hold.call_id is not None:
        subject = wording.of_call(hold.call_id)
    elif hold.phone_line is not None:
        subject = wording.of_line(hold.phone_line)
    else:
        assert hold.period_from is not None and hold.period_to is not None  # noqa: S101, PT018
        subject = wording.of_period(hold.period_from, hold.period_to)
    return wording.line(
        hold.hold_id,
        subject,
        hold.reason,
        hold.placed_by,
        hold.placed_at,
        hold.until,
        recordings=hold.recordings,
        ended=hold.ended,
    )


if __name__ == "__main__":
    main()
