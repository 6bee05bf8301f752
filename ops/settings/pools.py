"""Settings -> Airflow pools: names from `include/*/names.py`, sizes from `policy.yaml`, texts from `ops/wording`."""

from typing import Any

from include.calls import names
from include.common.names import RECOGNISER_POOL
from ops.settings.env_file import Settings
from ops.wording import pools as pools_wording


def pools(settings: Settings) -> dict[str, dict[str, Any]]:
    """Airflow pools in the form of `airflow pools import`."""
    policy = settings.policy
    return {
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
