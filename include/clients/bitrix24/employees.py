"""Names of the employees in the calls. Fact: `user.get` returns dismissed people, but neither bots nor deleted ones."""

from collections.abc import Iterable
from typing import Any

from include.clients.bitrix24.portal import Portal
from include.clients.bitrix24.portal_errors import export_error
from include.clients.bitrix24.responses import unknown_form

_METHOD = "user.get"
_PAGE_SIZE = 50


def employee_names(portal: Portal, ids: Iterable[str]) -> dict[str, str]:
    """First and last name by id, as the portal has them; an unknown or nameless employee is left out."""
    wanted = sorted({int(identity) for identity in ids if identity.isdecimal()})
    pages = [wanted[at : at + _PAGE_SIZE] for at in range(0, len(wanted), _PAGE_SIZE)]
    response = portal.batch(
        {f"u{number}": (_METHOD, {"FILTER": {"ID": page}, "start": -1}) for number, page in enumerate(pages)}
    )
    for error in response.errors.values():
        raise export_error(error, _METHOD)
    return {
        str(user["ID"]): name for users in response.results.values() for user in _users(users) if (name := _name(user))
    }


def _users(users: Any) -> list[dict[str, Any]]:
    if not isinstance(users, list) or not all(isinstance(user, dict) and "ID" in user for user in users):
        raise unknown_form(_METHOD, "the page is no list of users")
    return users


def _name(user: dict[str, Any]) -> str:
    """One line, whatever line breaks it contains; absent parts come as null, "" or an empty object."""
    parts = (user.get(part) for part in ("NAME", "LAST_NAME"))
    return " ".join(word for part in parts if isinstance(part, str) for word in part.split())
