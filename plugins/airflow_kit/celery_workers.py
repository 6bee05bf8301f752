"""What Celery's workers say of themselves, and what waits for them; nothing where tasks run elsewhere."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.configuration import conf

from include.calls.names import PORTAL_POOL
from include.common.names import OWN_QUEUES, PORTAL_QUEUE, QUEUES, RECOGNISER_POOL, RECOGNISER_QUEUE

POOL_OF = {PORTAL_QUEUE: PORTAL_POOL, RECOGNISER_QUEUE: RECOGNISER_POOL}
ANSWER_SECONDS = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Serving:
    """How many workers take tasks of a queue, and how many tasks all of them at once."""

    workers: int = 0
    slots: int = 0


def on_celery() -> bool:
    """Whether our tasks run on workers that serve our queues."""
    return OWN_QUEUES and "CeleryExecutor" in conf.get("core", "executor", fallback="")


def serving() -> dict[str, Serving]:
    """By queue, from the workers that answer in time; a broker that does not answer has no workers."""
    from airflow.providers.celery.executors.celery_executor import app

    inspect = app.control.inspect(timeout=ANSWER_SECONDS)
    try:
        queues: Mapping[str, Any] = inspect.active_queues() or {}
        stats: Mapping[str, Any] = inspect.stats() or {}
    except Exception as error:  # of the broker's client or of kombu's; neither a run nor a page ends for that
        log.warning("the broker does not say which workers there are: %s", type(error).__name__)
        queues = stats = {}
    return counted(queues, stats)


def counted(queues: Mapping[str, Any], stats: Mapping[str, Any]) -> dict[str, Serving]:
    """Of Celery's two answers, each by worker."""
    found = dict.fromkeys(QUEUES, Serving())
    for worker, served in queues.items():
        slots = int(stats.get(worker, {}).get("pool", {}).get("max-concurrency", 0))
        for name in {queue["name"] for queue in served} & set(QUEUES):
            found[name] = Serving(found[name].workers + 1, found[name].slots + slots)
    return found


def too_few(found: Mapping[str, Serving], pools: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Queues whose workers take fewer tasks at once than the pool lets out: (slots of the workers, of the pool).

    A task that finds no worker in two minutes is taken back, and after a few times it fails.
    """
    return {
        queue: (found.get(queue, Serving()).slots, pools[pool])
        for queue, pool in POOL_OF.items()
        if found.get(queue, Serving()).slots < pools[pool]
    }
