"""The containers' entry point: the same checks and the same translation of settings as `make up`.

Imports nothing of `ops/one_machine`: the image does not contain it.
"""

import signal
from collections.abc import Sequence

from rich.console import Console

from include.common.errors import NotConfigured
from ops.container_commands import System, become, commands, names
from ops.settings import databases
from ops.settings.airflow_environment import process_environment
from ops.settings.database_roles import find_roles
from ops.settings.encrypted_disk import require_encrypted_disk
from ops.settings.env_file import load_settings
from ops.settings.generated_secrets import generated
from ops.settings.profile import Runtime
from ops.settings.transport import require_protection

API_SERVER = "http://api-server:8080"  # in the network of docker-compose.yaml


def enter(command: Sequence[str], api_url: str, console: Console) -> None:
    """Runs one of the entry point's own commands, or becomes any other, with the system's environment."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # process 1 has no default one, and would not end
    if command[0] in ("-h", "--help"):
        commands(args=["--help"], prog_name="app")
    runtime = Runtime()
    settings = load_settings(runtime.env_file)
    if settings.database_url is None:
        raise NotConfigured(
            "DATABASE_URL is not set; in containers the database is a separate server", problem="container_database"
        )
    require_protection(settings)
    require_encrypted_disk(settings, runtime)
    runtime.make()
    keys, url = generated(runtime, settings), settings.database_url.get_secret_value()
    if settings.installation_secret.get_secret_value():
        find_roles(databases.located(url, settings.airflow_database), runtime, keys)
    api_url = api_url or settings.airflow_api_url or API_SERVER
    system = System(settings, runtime, keys, url, api_url, console)
    if command[0] in names():
        commands(args=list(command), prog_name="app", obj=system)
    else:
        _become(command, system)


def _become(command: Sequence[str], system: System) -> None:
    by_person = command[0] != "airflow"  # the components are commands of Airflow's own
    environment = process_environment(
        system.settings,
        system.runtime,
        system.keys,
        databases.located(system.database_url, system.settings.airflow_database),
        system.api_url,
        by_person=by_person,
    )
    become(command, environment)
