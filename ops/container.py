"""The containers' entry point: the same checks and the same translation of settings as `make up`."""

import os
from collections.abc import Sequence

from rich.console import Console

from include.common.errors import NotConfigured
from ops.one_machine import postgres
from ops.one_machine.up import prepare, process_environment
from ops.settings.generated_secrets import generated
from ops.settings.profile import Runtime
from ops.settings.variables import load_settings

INIT = "init"


def enter(command: Sequence[str], api_url: str, console: Console) -> None:
    """Prepares databases and pools for `init`; otherwise becomes `command`, with the system's environment.

    The generated secrets lie in a volume that all containers share; `init` makes them.
    """
    runtime = Runtime()
    settings = load_settings(runtime.env_file)
    if settings.database_url is None:
        raise NotConfigured("DATABASE_URL: не задан, а в контейнерах база — отдельный сервер.")
    runtime.make()
    keys = generated(runtime)
    initial = list(command) == [INIT]
    databases = (postgres.start if initial else postgres.located)(settings, runtime, keys)
    environment = process_environment(settings, runtime, keys, databases, api_url)
    if initial:
        prepare(settings, runtime, databases, environment, console)
    else:
        os.execvpe(command[0], list(command), environment)  # noqa: S606 - no shell
