"""The portal and the recogniser that the containers reach by name: `python -m trials.containers.outside TOKEN KEY`.

The simulators' own command listens on loopback; a container of its own is reached over the trial's network.
"""

import socket
import sys
from datetime import UTC, datetime
from threading import Thread

from starlette.types import ASGIApp

from simulators.bitrix24.app import PortalSimulator
from simulators.bitrix24.limits import Limits
from simulators.bitrix24.seeded import brief, seeded_world
from simulators.kit.serving import server_of
from simulators.openai.app import RecogniserSimulator

FIRST, LAST, CALLS = datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 3, tzinfo=UTC), 12
PORTAL_PORT, RECOGNISER_PORT = 8000, 8001


def main(token: str, key: str) -> None:
    portal = PortalSimulator(
        seeded_world(7, FIRST, LAST, CALLS, brief(), seconds=(10, 40)), user="1", token=token, limits=Limits()
    )
    Thread(target=_serve, args=(portal, PORTAL_PORT), daemon=True).start()
    _serve(RecogniserSimulator(key=key), RECOGNISER_PORT)


def _serve(app: ASGIApp, port: int) -> None:
    listener = socket.create_server(("0.0.0.0", port))  # noqa: S104 - the network is the trial's own
    server_of(app).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
