"""A changed policy is written down: which sections differ from those of the last run."""

from hashlib import sha256

from include.calls.domain.audit_chain import Action
from include.calls.policy import Policy
from include.calls.state.audit import AuditLog
from include.calls.state.state import State

_HASH_CHARS = 16


def note_policy(state: State, policy: Policy, *, actor: str) -> bool:
    """Adds an entry if the policy in force, overrides included, differs from the last one that a run had.

    The log keeps a hash of each section: values are not needed to see what has changed, and version control has them.
    """
    audit = AuditLog(state.session)
    now = {name: _hash(getattr(policy, name).model_dump_json()) for name in Policy.model_fields}
    before = audit.newest(Action.POLICY_CHANGED) or {}
    changed = [name for name, found in now.items() if before.get(name) != found]
    if changed:
        audit.record(Action.POLICY_CHANGED, actor=actor, detail={**now, "changed": ", ".join(changed)})
    return bool(changed)


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:_HASH_CHARS]
