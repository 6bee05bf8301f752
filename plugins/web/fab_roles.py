"""Roles of this product in Airflow's FAB auth manager: `python -m plugins.web.fab_roles < users.json`.

FAB's own commands cannot create a resource and skip a role that exists: here its security manager is asked. A role is
exactly what `ROLES` says after each run; other roles and people's accounts are not touched.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr, TypeAdapter

Permission = tuple[str, str]  # action, resource: as FAB names them

VIEWER = "Call Viewer"
ANALYST = "Call Analyst"
SUPERVISOR = "Call Supervisor"
SECURITY_OFFICER = "Security Officer"
OPERATOR = "Call Operator"
TASKS = "Call Tasks"

# Resources of this product; the others are Airflow's.
RUNS = "Call Runs"
CALLS, AUDIO, CHECKS = "Calls", "Call Audio", "Call QA"
TEXTS, FILES, NUMBERS = "Call Texts", "Call Files", "Call Numbers"
ERASURES, AUDIT = "Call Erasure", "Call Audit"

ERASURE_DAG = "DAG:call_erasure"

# What a person needs to see Airflow's own pages of runs. Task logs and XCom carry ids and counts.
_SEES_RUNS: frozenset[Permission] = frozenset(
    {
        ("can_read", "Website"),
        ("can_read", "Plugins"),  # without it no page of a plugin is in the menu
        ("can_read", "DAGs"),
        ("can_read", "DAG Runs"),
        ("can_read", "DAG Warnings"),
        ("can_read", "DAG Versions"),
        ("can_read", "Task Instances"),
        ("can_read", "Task Logs"),
        ("can_read", "Assets"),
        ("can_read", "ImportError"),
        ("can_read", "HITL Detail"),
        ("can_read", "My Password"),
        ("can_edit", "My Password"),
        ("can_read", "My Profile"),
        ("menu_access", "DAGs"),
        ("menu_access", "Assets"),
        ("can_read", RUNS),
    }
)
_READS_CALLS: frozenset[Permission] = frozenset(
    {("can_read", CALLS), ("can_read", AUDIO), ("can_read", CHECKS), ("can_edit", CHECKS)}
)
_TAKES_FILES: frozenset[Permission] = frozenset({("can_edit", TEXTS), ("can_read", FILES), ("can_read", NUMBERS)})
_CHANGES_RUNS: frozenset[Permission] = frozenset(
    {
        ("can_edit", "DAGs"),
        ("can_create", "DAG Runs"),
        ("can_edit", "DAG Runs"),
        ("can_create", "Task Instances"),
        ("can_edit", "Task Instances"),
        ("can_edit", "HITL Detail"),
        ("menu_access", "HITL Detail"),
        ("can_read", "Pools"),
        ("can_read", "Backfills"),
        ("can_create", "Backfills"),
    }
)
# One DAG only: who decides on an erasure does not thereby start exports or approve their money.
_DECIDES_ERASURES: frozenset[Permission] = frozenset(
    {
        ("can_read", ERASURE_DAG),
        ("can_edit", ERASURE_DAG),
        ("can_create", "DAG Runs"),  # of DAGs that the role may edit: of that one
        ("can_edit", "HITL Detail"),
        ("menu_access", "HITL Detail"),
        ("can_read", ERASURES),
        ("can_create", ERASURES),
        ("can_edit", ERASURES),
        ("can_read", AUDIT),
    }
)
_TELLS_OF_TASKS: frozenset[Permission] = frozenset(
    {
        ("can_read", "DAGs"),
        ("can_edit", "DAGs"),
        ("can_read", "DAG Runs"),
        ("can_edit", "DAG Runs"),
        ("can_create", "DAG Runs"),
        ("can_read", "Task Instances"),
        ("can_edit", "Task Instances"),
        ("can_read", "HITL Detail"),
        ("can_read", "ImportError"),
    }
)

ROLES: Mapping[str, frozenset[Permission]] = {
    VIEWER: _SEES_RUNS,
    ANALYST: _SEES_RUNS | _READS_CALLS,
    SUPERVISOR: _SEES_RUNS | _READS_CALLS | _TAKES_FILES,
    OPERATOR: _SEES_RUNS | _CHANGES_RUNS,
    SECURITY_OFFICER: _SEES_RUNS | _DECIDES_ERASURES,
    TASKS: _TELLS_OF_TASKS,
}


class Account(BaseModel):
    """An account of the installation itself; `role` is one of `ROLES` or FAB's own."""

    login: str
    password: SecretStr
    role: str


def make(accounts: Iterable[Account]) -> None:
    """Makes the roles and the accounts; an account that exists gets its password and role again.

    Needs an Airflow whose auth manager is FAB, after `airflow db migrate`.
    """
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        manager = builder.sm
        manager.sync_roles()
        for action, resource in sorted(set().union(*ROLES.values())):
            manager.create_permission(action, resource)
        manager.bulk_sync_roles([{"role": role, "perms": sorted(wanted)} for role, wanted in ROLES.items()])
        for role, wanted in ROLES.items():
            _withdraw(manager, role, wanted)
        manager.sync_roles()  # the role Admin has every permission, the new ones too
        for account in accounts:
            _account(manager, account)


def _withdraw(manager: Any, role: str, wanted: frozenset[Permission]) -> None:
    """FAB's bulk_sync_roles only adds: what a role lost with a release is taken from it here."""
    found = manager.find_role(role)
    for permission in list(found.permissions):
        if (permission.action.name, permission.resource.name) not in wanted:
            manager.remove_permission_from_role(found, permission)


def _account(manager: Any, account: Account) -> None:
    role = manager.find_role(account.role)
    password = account.password.get_secret_value()
    user = manager.find_user(username=account.login)
    if user is None:
        made = manager.add_user(
            username=account.login,
            first_name=account.login,
            last_name="call_export",
            email=f"{account.login}@localhost",
            role=role,
            password=password,
        )
        if not made:
            raise RuntimeError(f"FAB did not create the account {account.login}; its log says why")
        return
    user.roles = [role]
    manager.reset_password(user.id, password)  # stores the role, too
    manager.update_user(user)


if __name__ == "__main__":
    make(TypeAdapter(list[Account]).validate_python(json.load(sys.stdin)))
