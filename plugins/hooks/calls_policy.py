"""This installation's policy: policy.yaml with what `policy_overrides` gives."""

from typing import TYPE_CHECKING

from plugins.hooks.policy_overrides import policy_overrides

if TYPE_CHECKING:
    from include.calls.policy import Policy


def load_run_policy() -> "Policy":
    """Overrides are in Airflow and not in the environment, so that all workers of a cluster have the same ones."""
    from airflow.sdk.configuration import conf

    from include.calls.policy import PUBLIC_URL, load_policy

    return load_policy({PUBLIC_URL: str(conf.get("api", "base_url", fallback="")), **policy_overrides()})
