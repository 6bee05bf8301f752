"""A changed token or key is written down, and its age begins anew."""

from collections.abc import Mapping

from include.calls.domain.audit_chain import Action
from include.calls.state.audit import AuditLog
from include.calls.state.secrets_seen import SecretsSeen
from include.calls.state.state import State

_SHOWN = 12


def note_secrets(state: State, fingerprints: Mapping[str, str], *, actor: str) -> list[str]:
    """`fingerprints` are keyed hashes by the connection's id; returns the ids whose secret has changed."""
    with state.transaction():
        changed = SecretsSeen(state.session).note(fingerprints)
        for name, first in changed.items():
            detail = {"secret": name, "fingerprint": fingerprints[name][:_SHOWN], "first": first}
            AuditLog(state.session).record(Action.SECRET_CHANGED, actor=actor, detail=detail)
    return list(changed)
