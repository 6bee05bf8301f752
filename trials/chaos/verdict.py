"""The bars of a chaos run, and its table."""

from collections import defaultdict
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from trials.chaos.scenario import Kill, Outcome, Plan
from trials.chaos.victims import Kind

PROGRESS_SECONDS = 300.0  # a restarted system continues within five minutes


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the table."""

    what: str
    measured: str
    wanted: str
    held: bool


def bars(plan: Plan, outcome: Outcome) -> list[Bar]:
    """All bars, in the order of the table."""
    seen, killed = outcome.evidence, len(outcome.kills)
    slowest = _slowest(outcome.waits)
    return [
        Bar("kills (kill -9)", str(killed), str(plan.kills), killed == plan.kills),
        Bar("run", outcome.status, "completed", outcome.status == "completed"),
        Bar(
            "recordings of the portal",
            str(seen.recordings),
            f">= {plan.recordings}",
            seen.recordings >= plan.recordings,
        ),
        Bar("recordings lost", str(seen.lost), "0", seen.lost == 0),
        Bar("texts twice", str(seen.texts_twice), "0", seen.texts_twice == 0),
        Bar(
            f"requests beyond one per piece (pieces {seen.pieces})",
            str(seen.spare_requests),
            f"0..{killed}",
            0 <= seen.spare_requests <= killed,
        ),
        Bar("files half-written", str(len(seen.half_written)), "0", not seen.half_written),
        Bar("temporary folders of killed tasks", str(seen.orphans), "0", seen.orphans == 0),
        Bar("until work continues, s, worst", _seconds(slowest), f"< {PROGRESS_SECONDS:.0f}", _in_time(slowest)),
    ]


def show(plan: Plan, outcome: Outcome, console: Console) -> bool:
    """Prints both tables; True if every bar holds."""
    console.print(_by_kind(outcome))
    found = bars(plan, outcome)
    table = Table("what", "measured", "bar", "held", title=f"chaos, seed {plan.seed}, {outcome.seconds:.0f} s")
    for bar in found:
        table.add_row(bar.what, bar.measured, bar.wanted, "[green]yes[/]" if bar.held else "[red]no[/]")
    console.print(table)
    for name in outcome.evidence.half_written:
        console.print(f"half-written: {name}", markup=False)
    if outcome.evidence.hidden_leftovers:
        console.print(
            f"Files under temporary names: {outcome.evidence.hidden_leftovers}. They are invisible; "
            "a later run deletes them after a day."
        )
    return all(bar.held for bar in found)


def _by_kind(outcome: Outcome) -> Table:
    table = Table("victim", "kills", "restart, s", "until work continues, s: all", title="kill -9")
    grouped: dict[Kind, list[tuple[Kill, float | None]]] = defaultdict(list)
    for kill, wait in zip(outcome.kills, outcome.waits, strict=True):
        grouped[kill.kind].append((kill, wait))
    for kind in Kind:
        rows = grouped[kind]
        restart = max(((kill.restarted_at - kill.at).total_seconds() for kill, _ in rows), default=0.0)
        waits = ", ".join(_seconds(wait) for _, wait in rows)
        table.add_row(str(kind), str(len(rows)), f"{restart:.1f}", waits)
    return table


def _slowest(waits: list[float | None]) -> float | None:
    """None where one wait never ended."""
    ended = [wait for wait in waits if wait is not None]
    return max(ended, default=0.0) if len(ended) == len(waits) else None


def _in_time(seconds: float | None) -> bool:
    return seconds is not None and seconds < PROGRESS_SECONDS


def _seconds(wait: float | None) -> str:
    return "never" if wait is None else f"{wait:.1f}"
