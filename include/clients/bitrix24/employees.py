"""Names of the employees in the calls. Facts: `user.get` knows dismissed people, but neither bots nor deleted ones."""

from collections.abc import Iterable
from typing import Any

from include.clients.bitrix24.portal import Portal
from include.clients.bitrix24.responses import ours
from include.common.errors import ContractBroken

_METHOD = "user.get"
_PAGE_SIZE = 50


def employee_names(portal: Portal, ids: Iterable[str]) -> dict[str, str]:
    """Name and last name by id, as the portal has them; whoever it does not know, or has no name, is left out."""
    wanted = sorted({int(identity) for identity in ids if identity.isdecimal()})
    pages = [wanted[at : at + _PAGE_SIZE] for at in range(0, len(wanted), _PAGE_SIZE)]
    answer = portal.batch(
        {f"u{number}": (_METHOD, {"FILTER": {"ID": page}, "start": -1}) for number, page in enumerate(pages)}
    )
    for error in answer.errors.values():
        raise ours(error, _METHOD)
    return {
        str(user["ID"]): name for users in answer.results.values() for user in _users(users) if (name := _name(user))
    }


def _users(users: Any) -> list[dict[str, Any]]:
    if not isinstance(users, list) or not all(isinstance(user, dict) and "ID" in user for user in users):
        raise ContractBroken(f"{_METHOD}: the portal's page is no list of users")
    return users


def _name(user: dict[str, Any]) -> str:
    """One line whatever people typed; absent parts come as null, "" or an empty object."""
    parts = (user.get(part) for part in ("NAME", "LAST_NAME"))
    return " ".join(word for part in parts if isinstance(part, str) for word in part.split())
