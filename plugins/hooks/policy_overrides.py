"""What this installation overrides in the policy files: a connection `call_export_policy` or a Variable of that name.

The launcher makes the connection from `.env`; in an Airflow that others use too, a Variable is what people edit.
"""

from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseHook, Variable
from airflow.sdk.exceptions import AirflowNotFoundException

from include.calls.names import POLICY_CONN
from include.common.errors import NotConfigured


def policy_overrides() -> dict[str, str]:
    """Values by the names of the settings in `.env`. Raises NotConfigured if the Variable is no JSON object."""
    try:
        given: Any = BaseHook.get_connection(POLICY_CONN).extra_dejson
    except AirflowNotFoundException:
        given = _of_variable()
    return {name: str(value) for name, value in given.items()}


def _of_variable() -> Mapping[str, Any]:
    try:
        found: Any = Variable.get(POLICY_CONN, default={}, deserialize_json=True)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NotConfigured(
            f"the Airflow Variable {POLICY_CONN} must be a JSON object of settings and values",
            problem="policy_variable",
            name=POLICY_CONN,
        )
    return found
