"""This installation's smoke policy: policy.yaml with the overrides of the connection `call_export_policy`."""

from typing import TYPE_CHECKING

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from include.calls.names import POLICY_CONN

if TYPE_CHECKING:
    from include.smoke.policy import SmokePolicy


def load_run_smoke_policy() -> "SmokePolicy":
    from include.smoke.policy import load_smoke_policy

    try:
        overrides = BaseHook.get_connection(POLICY_CONN).extra_dejson
    except AirflowNotFoundException:
        overrides = {}
    return load_smoke_policy({name: str(value) for name, value in overrides.items()})
