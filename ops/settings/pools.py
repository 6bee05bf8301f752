"""Settings -> Airflow pools: names from `include/*/names.py`, sizes from `policy.yaml`, texts from `ops/wording`."""

from typing import Any

from include.calls import names
from include.common.names import RECOGNISER_POOL
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
    policy = settings.policy
    sales_pools = {name: _pool(slots, name) for name, slots in SALES.items()} if settings.sales_configured else {}
    return sales_pools | {
        # The pool limits how many tasks talk to the portal; one row of PostgreSQL paces all their requests together.
        names.PORTAL_POOL: {
            "slots": policy.portal.downloads_in_flight,
            "description": pools_wording.POOLS[names.PORTAL_POOL],
            "include_deferred": False,
        },
        RECOGNISER_POOL: {
            "slots": policy.batches.slots,
            "description": pools_wording.POOLS[RECOGNISER_POOL],
            "include_deferred": False,
        },
    }
