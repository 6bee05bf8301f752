"""This installation's policy: policy.yaml with the overrides of the connection `call_export_policy`."""

from typing import TYPE_CHECKING

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from include.calls.names import POLICY_CONN

if TYPE_CHECKING:
    from include.calls.policy import Policy


def load_run_policy() -> "Policy":
    """Overrides of the environment are in a connection, so that all workers of a cluster have the same ones."""
    from include.calls.policy import load_policy

    try:
        overrides = BaseHook.get_connection(POLICY_CONN).extra_dejson
    except AirflowNotFoundException:
        overrides = {}
    return load_policy({name: str(value) for name, value in overrides.items()})
