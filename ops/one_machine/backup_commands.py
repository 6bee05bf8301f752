"""The commands about backups on one machine: they find the databases, and start the server where nothing runs."""

from rich.console import Console

from include.common.errors import NotConfigured
from ops.backups import BackupsOfSystem
from ops.one_machine import postgres
from ops.one_machine.supervisor import Supervisor
from ops.settings.env_file import load_settings
from ops.settings.generated_secrets import generated
from ops.settings.profile import Runtime


def backups_of(runtime: Runtime, console: Console) -> BackupsOfSystem:
    """Starts the embedded server: `make down` has stopped it, and a fresh machine has none yet."""
    settings = load_settings(runtime.env_file)
    runtime.make()
    databases = postgres.start(settings, runtime, generated(runtime, settings))
    return BackupsOfSystem(settings, runtime, databases, console)


def restore(runtime: Runtime, console: Console, backup_id: str, *, into: str, aside: bool, files: bool) -> None:
    """Raises NotConfigured while the system runs, unless another database is named."""
    if not into and Supervisor(runtime).components():
        raise NotConfigured("the system runs: make down first", problem="restore_while_running")
    backups_of(runtime, console).restore(backup_id, into=into, aside=aside, files=files)
