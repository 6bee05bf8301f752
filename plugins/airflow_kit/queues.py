"""Which queue a task names: ours on our own workers, none in an Airflow of others, whose workers know no such name."""

from typing import Any

from include.common.names import OWN_QUEUES


def queue_of(name: str) -> dict[str, Any]:
    """Arguments of a task."""
    return {"queue": name} if OWN_QUEUES else {}
