"""The pools that the DAGs of the area name: sizes from the policy, texts from the catalogue."""

from typing import Any

from include.calls.names import PORTAL_POOL
from include.calls.policy import Policy
from include.calls.wording.pools import POOLS
from include.common.names import RECOGNISER_POOL


def pools(policy: Policy) -> dict[str, dict[str, Any]]:
    """By name, in the form of `airflow pools import`."""
    slots = {
        # The pool limits how many tasks talk to the portal; one row of PostgreSQL paces all their requests together.
        PORTAL_POOL: policy.portal.downloads_in_flight,
        RECOGNISER_POOL: policy.batches.slots,
    }
    return {
        name: {"slots": count, "description": POOLS[name], "include_deferred": False} for name, count in slots.items()
    }
