"""Queues and workers in Prometheus's text format, where tasks run on workers of Celery."""

import threading
import time
from collections.abc import Iterable, Mapping

from airflow.models.pool import Pool
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import extract, func, select

from include.common.names import QUEUES
from plugins.airflow_kit.celery_workers import POOL_OF, Serving, on_celery, serving

FRESH_SECONDS = 15.0  # asking every worker takes seconds

_lock = threading.Lock()
_made: tuple[float, bytes] = (float("-inf"), b"")


def page() -> bytes:
    """Empty where there are no workers."""
    global _made  # noqa: PLW0603 - one page for all readers of this process
    if not on_celery():
        return b""
    with _lock:
        if time.monotonic() - _made[0] > FRESH_SECONDS:
            _made = (time.monotonic(), rendered(serving(), waiting(), pool_slots()))
        return _made[1]


def waiting() -> dict[str, float]:
    """Seconds for which the oldest queued task of each queue has waited."""
    oldest = extract("epoch", func.now() - func.min(TaskInstance.queued_dttm))
    query = select(TaskInstance.queue, oldest).where(TaskInstance.state == TaskInstanceState.QUEUED)
    with create_session() as session:
        return {str(name): float(age or 0) for name, age in session.execute(query.group_by(TaskInstance.queue))}


def pool_slots() -> dict[str, int]:
    with create_session() as session:
        return {str(name): int(slots) for name, slots in session.execute(select(Pool.pool, Pool.slots))}


def rendered(found: Mapping[str, Serving], oldest: Mapping[str, float], pools: Mapping[str, int]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(found, oldest, pools))
    return generate_latest(registry)


class _Families:
    def __init__(self, found: Mapping[str, Serving], oldest: Mapping[str, float], pools: Mapping[str, int]) -> None:
        self._found, self._oldest, self._pools = found, oldest, pools

    def collect(self) -> Iterable[Metric]:
        of_queue: dict[str, tuple[str, Mapping[str, float]]] = {
            "call_export_queue_workers": ("Workers that take tasks", {q: self._serving(q).workers for q in QUEUES}),
            "call_export_queue_slots": ("Tasks they take at once", {q: self._serving(q).slots for q in QUEUES}),
            "call_export_queue_oldest_seconds": (
                "Since the oldest waiting task was queued",
                {q: self._oldest.get(q, 0.0) for q in QUEUES},
            ),
            "call_export_queue_pool_slots": (
                "Tasks that the pool lets out at once",
                {q: self._pools.get(pool, 0) for q, pool in POOL_OF.items()},
            ),
        }
        for name, (about, values) in of_queue.items():
            family = GaugeMetricFamily(name, about, labels=["queue"])
            for queue, value in values.items():
                family.add_metric([queue], float(value))
            yield family

    def _serving(self, queue: str) -> Serving:
        return self._found.get(queue, Serving())
