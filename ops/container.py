"""The containers' entry point: the same checks and the same translation of settings as `make up`.

Imports nothing of `ops/one_machine`: the image does not contain it.
"""

import os
from collections.abc import Sequence

from rich.console import Console

from include.common.errors import NotConfigured
from ops.prepare import make_roles, prepare
from ops.settings import databases
from ops.settings.airflow_environment import process_environment
from ops.settings.encrypted_disk import require_encrypted_disk
from ops.settings.env_file import load_settings
from ops.settings.generated_secrets import generated
from ops.settings.profile import Runtime
from ops.settings.transport import require_protection

INIT = "init"


def enter(command: Sequence[str], api_url: str, console: Console) -> None:
    """Prepares databases and pools for `init`; otherwise becomes `command`, with the system's environment.

    `init` makes the generated secrets, in a volume that all containers share.
    """
    runtime = Runtime()
    settings = load_settings(runtime.env_file)
    if settings.database_url is None:
        raise NotConfigured(
            "DATABASE_URL is not set; in containers the database is a separate server", problem="container_database"
        )
    require_protection(settings)
    require_encrypted_disk(settings, runtime)
    runtime.make()
    keys = generated(runtime)
    url = settings.database_url.get_secret_value()
    initial = list(command) == [INIT]
    found = databases.prepared(url) if initial else databases.located(url)
    if initial:
        make_roles(found, runtime, keys, console)
    by_person = command[0] != "airflow"  # the components are commands of Airflow's own
    environment = process_environment(settings, runtime, keys, found, api_url, by_person=by_person)
    if initial:
        prepare(settings, runtime, found, environment, console)
    else:
        os.execvpe(command[0], list(command), environment)  # noqa: S606 - no shell
