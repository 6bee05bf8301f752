"""One stage of one batch in a process of its own that is killed (SIGKILL) at a named point.

`point` names a method as `module:Class.method`; `when` says before or after it; `key` is a part of its first argument.
"""

import importlib
import os
import signal
from pathlib import Path
from typing import Any
from uuid import UUID

from include.calls.policy import load_policy
from include.clients.storage.local import LocalStorage
from simulators.bitrix24.app import PortalSimulator
from simulators.bitrix24.world import PortalWorld
from simulators.openai.app import RecogniserSimulator
from tests.kit.fork_server import fork_server
from tests.kit.state_samples import end_leases
from tests.kit.whole_export import Export, Outcome


def kill_in(export: Export, outcome: Outcome, stage: str, point: str, when: str, key: str, folder: Path) -> None:
    """Runs the stage of the run's first batch in a process that dies there, and lets its leases run out.

    `folder` holds the storage.
    """
    given = {
        "portal_url": export.portal_url,
        "recogniser_url": export.recogniser_url,
        "conninfo": export.conninfo,
        "storage": str(folder / "storage"),
        "run_id": str(outcome.run_id),
        "batch": str(export.batches(outcome.run_id)[0]),
        "stage": stage,
        "point": point,
        "when": when,
        "key": key,
        "workers": str(export.workers),
    }
    code, written = fork_server("tests.kit.killed_worker").run(given)
    assert code == -signal.SIGKILL, written
    end_leases(export.conninfo)


def die_at(point: str, when: str, key: str) -> None:
    """Replaces the method by one that ends this process without any clean-up."""
    module, _, path = point.partition(":")
    class_name, method_name = path.split(".")
    owner = getattr(importlib.import_module(module), class_name)
    method = getattr(owner, method_name)

    def deadly(self: Any, first: Any, *rest: Any, **named: Any) -> Any:
        concerned = key in str((first, rest, named))
        if concerned and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = method(self, first, *rest, **named)
        if concerned:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, method_name, deadly)


def main(asked: dict[str, str]) -> None:
    export = Export(
        portal=PortalSimulator(PortalWorld()),  # not served here: only its user and token are looked at
        portal_url=asked["portal_url"],
        recogniser=RecogniserSimulator(),
        recogniser_url=asked["recogniser_url"],
        conninfo=asked["conninfo"],
        storage=LocalStorage(Path(asked["storage"])),
        policy=load_policy({}),
    )
    outcome = Outcome(UUID(asked["run_id"]), verdict=None)  # type: ignore[arg-type]
    die_at(asked["point"], asked["when"], asked["key"])
    export.workers = int(asked["workers"])
    stage = export.download if asked["stage"] == "download" else export.transcribe
    stage(outcome, int(asked["batch"]))
