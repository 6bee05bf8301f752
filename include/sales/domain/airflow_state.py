"""How Airflow is, from its own answer (`/api/v2/monitor/health`)."""

from collections.abc import Mapping
from typing import Any

from include.common.errors import Temporary


def scheduler_state(answer: Mapping[str, Any]) -> str:
    """Raises Temporary where the scheduler has no heartbeat, or Airflow's database does not answer."""
    scheduler = answer.get("scheduler") or {}
    if scheduler.get("status") != "healthy":
        raise Temporary("Airflow's scheduler has no heartbeat")
    return f"scheduler {scheduler.get('latest_scheduler_heartbeat') or 'healthy'}"
