"""This installation's policy of the call centre: policy.yaml with what `policy_overrides` gives."""

from typing import TYPE_CHECKING

from plugins.hooks.policy_overrides import policy_overrides

if TYPE_CHECKING:
    from include.call_centre.policy import CallCentrePolicy


def load_run_call_centre_policy() -> "CallCentrePolicy":
    from include.call_centre.policy import load_call_centre_policy

    return load_call_centre_policy(policy_overrides())
