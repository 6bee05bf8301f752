"""`make down` and `make status`."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from ops.one_machine import postgres
from ops.one_machine.supervisor import Supervisor
from ops.settings.profile import REPOSITORY, Runtime
from ops.wording import launcher as wording


def profiles(root: Path = REPOSITORY) -> list[Runtime]:
    """The profiles that were started here at least once."""
    return [Runtime(folder.name, root) for folder in sorted((root / "var").glob("*/")) if (folder / "logs").is_dir()]


def down(runtime: Runtime, console: Console) -> None:
    """Stops all processes of the profile; its data stays. A profile that does not run is not an error."""
    supervisor = Supervisor(runtime)
    with console.status(wording.STOPPING.format(profile=runtime.profile)):
        stopped = supervisor.stop()
        leftovers = supervisor.end_leftovers(simulators=True)
        database = postgres.stop(runtime)
    (runtime.home / "started_with").unlink(missing_ok=True)
    text = wording.STOPPED if stopped or leftovers or database else wording.NOT_STARTED
    console.print(text.format(profile=runtime.profile))


def show_status(runtime: Runtime, console: Console) -> bool | None:
    """Prints the components of a profile; True where all of them run, None where `down` has stopped it."""
    components = Supervisor(runtime).components()
    if not components:
        console.print(wording.NOT_STARTED.format(profile=runtime.profile))
        return False if (runtime.home / "started_with").exists() else None
    table = Table(*wording.STATUS_COLUMNS, title=runtime.profile)
    for one in components:
        table.add_row(one.name, one.state, str(one.pid or ""))
    console.print(table)
    if runtime.schedule_held.exists():
        console.print(wording.SCHEDULE_WAITS, markup=False, highlight=False)
    return all(one.state == "RUNNING" for one in components)
