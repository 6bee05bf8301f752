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
    """What has to hold, in the order in which people ask."""
    seen, killed = outcome.evidence, len(outcome.kills)
    slowest = _slowest(outcome.waits)
    return [
        Bar("убийств (kill -9)", str(killed), str(plan.kills), killed == plan.kills),
        Bar("выгрузка", outcome.status, "completed", outcome.status == "completed"),
        Bar("записей на портале", str(seen.recordings), f">= {plan.recordings}", seen.recordings >= plan.recordings),
        Bar("потеряно записей", str(seen.lost), "0", seen.lost == 0),
        Bar("текстов дважды", str(seen.texts_twice), "0", seen.texts_twice == 0),
        Bar(
            f"распознаваний сверх одного на отрывок (отрывков {seen.pieces})",
            str(seen.spare_requests),
            f"0..{killed}",
            0 <= seen.spare_requests <= killed,
        ),
        Bar("недописанных файлов", str(len(seen.half_written)), "0", not seen.half_written),
        Bar("временных папок убитых задач", str(seen.orphans), "0", seen.orphans == 0),
        Bar("до продолжения, с, худшее", _seconds(slowest), f"< {PROGRESS_SECONDS:.0f}", _in_time(slowest)),
    ]


def show(plan: Plan, outcome: Outcome, console: Console) -> bool:
    """Prints both tables; True where every bar holds."""
    console.print(_by_kind(outcome))
    found = bars(plan, outcome)
    table = Table("что", "измерено", "нужно", "", title=f"chaos, seed {plan.seed}, {outcome.seconds:.0f} с")
    for bar in found:
        table.add_row(bar.what, bar.measured, bar.wanted, "[green]да[/]" if bar.held else "[red]нет[/]")
    console.print(table)
    for name in outcome.evidence.half_written:
        console.print(f"недописан: {name}", markup=False)
    if outcome.evidence.hidden_leftovers:
        console.print(
            f"Под временными именами осталось файлов: {outcome.evidence.hidden_leftovers}. Их никто не видит; "
            "выгрузка убирает такие через сутки."
        )
    return all(bar.held for bar in found)


def _by_kind(outcome: Outcome) -> Table:
    table = Table("кого", "раз", "перезапуск, с", "до продолжения, с: все", title="kill -9")
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
    """None where one of them never ended."""
    ended = [wait for wait in waits if wait is not None]
    return max(ended, default=0.0) if len(ended) == len(waits) else None


def _in_time(seconds: float | None) -> bool:
    return seconds is not None and seconds < PROGRESS_SECONDS


def _seconds(wait: float | None) -> str:
    return "никогда" if wait is None else f"{wait:.1f}"
