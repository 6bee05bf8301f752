"""This installation's policy of sales: policy.yaml with the overrides of the connection `call_export_policy`."""

from typing import TYPE_CHECKING

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from include.calls.names import POLICY_CONN

if TYPE_CHECKING:
    from include.sales.policy import SalesPolicy


def load_run_sales_policy() -> "SalesPolicy":
    from include.sales.policy import load_sales_policy

    try:
        overrides = BaseHook.get_connection(POLICY_CONN).extra_dejson
    except AirflowNotFoundException:
        overrides = {}
    return load_sales_policy({name: str(value) for name, value in overrides.items()})
