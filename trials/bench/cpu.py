"""Our processor seconds for each call of one minute, step by step; the simulators run in another process.

With PROFILE in the environment a profile of each step is printed as well.
"""

import cProfile
import json
import os
import pstats
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from trials.bench.world import START, Result, database

DAYS = 30
MOST_SHOWN = 40


def per_call(folder: Path, calls: int) -> Result:
    """Processor time: waiting for the outside systems does not count."""
    from simulators.bitrix24.app import PortalSimulator
    from simulators.bitrix24.limits import Limits
    from simulators.bitrix24.seeded import minutes
    from simulators.bitrix24.world import Call, PortalWorld
    from simulators.kit.in_process import running
    from simulators.openai.app import RecogniserSimulator

    world, make = PortalWorld(), minutes()
    for number in range(1, calls + 1):
        at = START + timedelta(days=DAYS) / (calls + 1) * number
        world.add(Call(number, at, duration=60, file_id=10**6 + number), make(number, 60, number % 2 == 0))
    portal = PortalSimulator(world, limits=Limits(rps=1e6, bucket=10**6))
    recogniser = RecogniserSimulator(requests_per_minute=10**6)
    with database(folder) as conninfo, running(portal) as portal_url, running(recogniser) as recogniser_url:
        outside = [conninfo, portal_url, portal.token, recogniser_url, recogniser.key, str(folder)]
        done = subprocess.run([sys.executable, "-m", "trials.bench.cpu", *outside], stdout=subprocess.PIPE, check=True)
        pieces = recogniser.journal.count("transcriptions")
    spent: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    steps = ", ".join(f"{name} {seconds / calls * 1000:.0f}" for name, seconds in spent.items())
    return Result(
        calls, "calls", sum(spent.values()), f"ms of processor time a call: {steps}; pieces {pieces / calls:.1f}"
    )


def work(conninfo: str, portal_url: str, token: str, recogniser_url: str, key: str, folder: str) -> dict[str, float]:
    """Processor seconds of each step of a whole run. With PROFILE set, each step's profile goes to stderr."""
    from include.calls.domain.run_request import RunRequest
    from include.calls.policy import load_policy
    from include.calls.state.state import State
    from include.calls.steps.close_run import close_run
    from include.calls.steps.download import download_batch
    from include.calls.steps.list_calls import list_calls
    from include.calls.steps.open_run import DagRunFacts, open_run
    from include.calls.steps.plan import plan
    from include.calls.steps.publish import publish
    from include.calls.steps.transcribe_batch import WORKERS, transcribe_batch
    from include.clients.bitrix24.portal import Portal
    from include.clients.bitrix24.telephony import Bitrix24Telephony
    from include.clients.bitrix24.webhook import Webhook
    from include.clients.storage.local import LocalStorage
    from include.speech.recognition_client import Recogniser, RecogniserSettings
    from trials.bench.world import NoPace

    policy = load_policy({"BUDGET_USD": "1000000"})
    storage = LocalStorage(Path(folder) / "storage")
    portal = Portal(Webhook.of(portal_url, "1", token), NoPace(), recording_hosts=[portal_url.removeprefix("http://")])
    telephony = Bitrix24Telephony(portal)
    settings = RecogniserSettings(
        model=policy.stt.model, api_key=key, base_url=f"{recogniser_url}/v1", proxy_url=None, timeout_sec=60
    )
    spent: dict[str, float] = {}
    end = START + timedelta(days=DAYS)
    request = RunRequest(period_from=START.isoformat(), period_to=end.isoformat())
    with State.open(conninfo) as state, Recogniser(settings) as recogniser:
        run_id: UUID = open_run(
            request, DagRunFacts("bench", end, "bench", "manual"), state, policy.period, lambda _: False
        ).run_id
        _timed("list", spent, lambda: list_calls(run_id, telephony, state))
        batches = plan(run_id, state, storage, policy).batches

        def download() -> None:
            for batch in batches:
                download_batch(
                    run_id, batch, telephony=telephony, storage=storage, state=state, policy=policy, fresh=True
                )

        def transcribe() -> None:
            for batch in batches:
                transcribe_batch(
                    run_id, batch, recogniser=recogniser, storage=storage, state=state, policy=policy, fresh=True,
                    fetch_again=lambda: None, workers=1 if "PROFILE" in os.environ else WORKERS,
                )  # fmt: skip

        _timed("download", spent, download)
        _timed("transcribe", spent, transcribe)
        _timed("publish", spent, lambda: publish(run_id, state, storage, policy))
        close_run(run_id, state, policy, upstream_failed=None)
        assert state.runs.progress(run_id).completed, state.runs.progress(run_id)  # noqa: S101
    return spent


def _timed(name: str, spent: dict[str, float], step: Callable[[], object]) -> None:
    profile = cProfile.Profile(time.process_time) if "PROFILE" in os.environ else None
    began = time.process_time()
    if profile:
        threading.setprofile(lambda *_: profile.enable())  # one thread works while the others wait
        profile.runcall(step)
        threading.setprofile(None)
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(MOST_SHOWN)
    else:
        step()
    spent[name] = time.process_time() - began


if __name__ == "__main__":
    sys.stdout.write(json.dumps(work(*sys.argv[1:])) + "\n")
