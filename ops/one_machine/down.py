"""`make down` and `make status`."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from ops.one_machine import postgres
from ops.one_machine.supervisor import Supervisor
from ops.settings.profile import REPOSITORY, Runtime


def profiles(root: Path = REPOSITORY) -> list[Runtime]:
    """Every profile that was ever started here."""
    return [Runtime(folder.name, root) for folder in sorted((root / "var").glob("*/")) if (folder / "logs").is_dir()]


def down(runtime: Runtime, console: Console) -> None:
    """Stops all processes of the profile; its data stays. Nothing running is no error."""
    supervisor = Supervisor(runtime)
    with console.status(f"Останавливаю {runtime.profile}: планировщик ждёт свои задачи до минуты..."):
        stopped = supervisor.stop()
        leftovers = supervisor.end_leftovers(simulators=True)
        database = postgres.stop(runtime)
    (runtime.home / "started_with").unlink(missing_ok=True)
    if stopped or leftovers or database:
        console.print(f"Остановлено: {runtime.profile}")
    else:
        console.print(f"Не запущено: {runtime.profile}")


def show_status(runtime: Runtime, console: Console) -> bool:
    """Prints the components of a profile; True where all of them run."""
    components = Supervisor(runtime).components()
    if not components:
        console.print(f"{runtime.profile}: не запущено")
        return False
    table = Table("компонент", "состояние", "pid", title=runtime.profile)
    for one in components:
        table.add_row(one.name, one.state, str(one.pid or ""))
    console.print(table)
    return all(one.state == "RUNNING" for one in components)
