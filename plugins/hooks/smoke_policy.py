"""This installation's smoke policy: policy.yaml with what `policy_overrides` gives."""

from typing import TYPE_CHECKING

from plugins.hooks.policy_overrides import policy_overrides

if TYPE_CHECKING:
    from include.smoke.policy import SmokePolicy


def load_run_smoke_policy() -> "SmokePolicy":
    from include.smoke.policy import load_smoke_policy

    return load_smoke_policy(policy_overrides())
