"""The simulated portal and recogniser of a profile, for the demo and for trials."""

import json
import os
import secrets
import socket
import subprocess
import sys
from dataclasses import dataclass

from include.common.errors import ExportError
from ops.one_machine.supervisor import SIMULATOR_MARK
from ops.settings.airflow_environment import HOST
from ops.settings.generated_secrets import write_private
from ops.settings.profile import Runtime

WEBHOOK_USER = "1"


@dataclass(frozen=True)
class Simulated:
    """URLs of the two simulators, and the webhook token that the portal accepts."""

    portal: str
    recogniser: str
    token: str


def simulate(runtime: Runtime, *, portal: tuple[str, ...], recogniser: tuple[str, ...], **settings: str) -> Simulated:
    """Starts both with these options and writes the profile's settings; `settings` are additional variables."""
    token, key = secrets.token_hex(8), f"{runtime.profile}-{secrets.token_hex(8)}"
    portal_url = started(runtime, "portal", "--webhook-user", WEBHOOK_USER, "--token", token, *portal)
    recogniser_url = started(runtime, "recogniser", "--key", key, *recogniser)
    values = {
        "B24_BASE_URL": portal_url,
        "B24_WEBHOOK_USER_ID": WEBHOOK_USER,
        "B24_WEBHOOK_TOKEN": token,
        "RECORDING_HOSTS": portal_url.removeprefix("http://"),
        "OPENAI_BASE_URL": f"{recogniser_url}/v1",
        "OPENAI_API_KEY": key,
        "AIRFLOW_PORT": str(free_port()),
    } | settings
    write_private(runtime.env_file, "".join(f"{name}={value}\n" for name, value in values.items()))
    return Simulated(portal_url, recogniser_url, token)


def started(runtime: Runtime, name: str, *options: str) -> str:
    """Starts a simulator in the background and returns its URL; `make down` finds it by a mark in its environment."""
    with (runtime.logs / f"simulated-{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "simulators", name, *options],
            env=os.environ | {SIMULATOR_MARK: str(runtime.home)},
            cwd=runtime.root,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert process.stdout is not None  # noqa: S101 - PIPE above
    line = process.stdout.readline()
    if not line:
        raise ExportError(
            f"the simulator {name} did not start, see {log.name}",
            problem="simulator_not_started",
            name=name,
            log=log.name,
        )
    return str(json.loads(line)["url"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
