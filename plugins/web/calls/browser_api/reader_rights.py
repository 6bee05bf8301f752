"""What a person may do in the call browser: ten rights, asked of the auth manager in use.

Airflow's SimpleAuthManager answers every question about a view of ours with yes, so there the role decides. FAB's has
resources and actions of ours, which roles are given (`plugins/web/fab_roles.py`). Another auth manager gives none.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from plugins.web import fab_roles

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager, ResourceMethod
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser


class Right(StrEnum):
    RUNS = "runs"  # runs page, settings
    READ = "read"  # search, card, text, history; numbers are masked
    HEAR = "hear"  # audio and its waveform
    CHECK = "check"  # verdicts
    FIX = "fix"  # roles of the speakers
    TAKE = "take"  # downloads and bundles
    UNMASK = "unmask"  # whole numbers
    ASK = "ask"  # demand an erasure
    DECIDE = "decide"  # decide on one
    AUDIT = "audit"  # who read what


_VIEWER = frozenset({Right.RUNS})
_USER = _VIEWER | {Right.READ, Right.HEAR, Right.CHECK}
_OP = _USER | {Right.FIX, Right.TAKE, Right.UNMASK, Right.ASK}
RIGHTS_OF_SIMPLE_ROLES: Mapping[str, frozenset[Right]] = {
    "viewer": _VIEWER,
    "user": _USER,
    "op": _OP,
    "admin": frozenset(Right),
}
FAB_PERMISSIONS: "Mapping[Right, tuple[ResourceMethod, str]]" = {
    Right.RUNS: ("GET", fab_roles.RUNS),
    Right.READ: ("GET", fab_roles.CALLS),
    Right.HEAR: ("GET", fab_roles.AUDIO),
    Right.CHECK: ("PUT", fab_roles.CHECKS),
    Right.FIX: ("PUT", fab_roles.TEXTS),
    Right.TAKE: ("GET", fab_roles.FILES),
    Right.UNMASK: ("GET", fab_roles.NUMBERS),
    Right.ASK: ("POST", fab_roles.ERASURES),
    Right.DECIDE: ("PUT", fab_roles.ERASURES),
    Right.AUDIT: ("GET", fab_roles.AUDIT),
}
_SIMPLE = "airflow.api_fastapi.auth.managers.simple."
_FAB = "airflow.providers.fab."


def rights_of(user: "BaseUser", manager: "BaseAuthManager[BaseUser]") -> frozenset[Right]:
    """The user and the manager must be of the same family: a user class that is not known has no right."""
    family = f"{type(user).__module__}."
    if family.startswith(_SIMPLE) and f"{type(manager).__module__}.".startswith(_SIMPLE):
        return RIGHTS_OF_SIMPLE_ROLES.get(str(getattr(user, "role", "")).lower(), frozenset())
    if family.startswith(_FAB) and f"{type(manager).__module__}.".startswith(_FAB):
        return frozenset(
            right
            for right, (method, resource) in FAB_PERMISSIONS.items()
            if manager.is_authorized_custom_view(method=method, resource_name=resource, user=user)
        )
    return frozenset()
