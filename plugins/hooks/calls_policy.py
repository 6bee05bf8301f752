"""This installation's policy: policy.yaml with what `policy_overrides` gives."""

from typing import TYPE_CHECKING

from plugins.hooks.policy_overrides import policy_overrides

if TYPE_CHECKING:
    from include.calls.policy import Policy


def load_run_policy() -> "Policy":
    """Overrides are in Airflow and not in the environment, so that all workers of a cluster have the same ones."""
    from include.calls.policy import load_policy

    return load_policy(policy_overrides())
