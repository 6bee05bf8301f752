"""Settings -> Airflow pools: names from `include/*/names.py`, those of calls from `include/calls/pools.py`."""

from typing import Any

from include.call_centre import names as call_centre
from include.calls.pools import pools as pools_of_calls
from include.sales import names as sales
from ops.settings.env_file import Settings
from ops.wording import pools as pools_wording

SALES = {  # what a source takes at once; writing tasks share the warehouse
    sales.QTICKETS_POOL: 1,
    sales.VK_ADS_POOL: 2,
    sales.DIRECT_POOL: 3,
    sales.WAREHOUSE_POOL: 4,
}


def _pool(slots: int, name: str) -> dict[str, Any]:
    return {"slots": slots, "description": pools_wording.POOLS[name], "include_deferred": False}


def pools(settings: Settings) -> dict[str, dict[str, Any]]:
    """Airflow pools in the form of `airflow pools import`."""
    sales_pools = {name: _pool(slots, name) for name, slots in SALES.items()} if settings.sales_configured else {}
    quality = settings.call_centre_policy
    lines = {call_centre.LLM_POOL: _pool(quality.batches.lines, call_centre.LLM_POOL)}
    return sales_pools | (lines if quality.quality.enabled else {}) | pools_of_calls(settings.policy)
