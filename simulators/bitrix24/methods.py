"""The REST methods that the simulated portal has."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulators.bitrix24.links import Links
from simulators.bitrix24.php import Params, as_array, as_list, intval, upper_keys
from simulators.bitrix24.responses import PortalError, Result
from simulators.bitrix24.statistics import PAGE, page_of, row_of
from simulators.bitrix24.world import DiskFile, PortalWorld

_USERS = frozenset({"user", "user_basic", "user_brief"})
# method -> scopes of which one is enough; empty: no scope needed
METHOD_SCOPES: dict[str, frozenset[str]] = {
    "voximplant.statistic.get": frozenset({"telephony"}),
    "disk.file.get": frozenset({"disk"}),
    "user.get": _USERS,
    "user.current": _USERS,
    "crm.activity.call.gettranscript": frozenset({"crm"}),
    "scope": frozenset(),
    "methods": frozenset(),
    "method.get": frozenset(),
    "profile": frozenset(),
    "user.admin": frozenset(),
    "server.time": frozenset(),
}


@dataclass(frozen=True, slots=True)
class MethodCall:
    """One call: `base_url` is the address the client used, `now` Unix seconds."""

    params: Params
    base_url: str
    now: float


@dataclass
class Rights:
    """What the webhook may do. `only_users`: a role limited to these employees' calls gets fewer rows, no error."""

    scopes: frozenset[str] = frozenset({"telephony", "disk", "user_brief", "crm"})
    statistics: bool = True
    only_users: frozenset[str] | None = None
    admin: bool = True


@dataclass
class Methods:
    """Executes one call of one method. `ignores` names features that an old portal lacks (see `page_of`)."""

    world: PortalWorld
    rights: Rights
    links: Links
    ignores: frozenset[str] = frozenset()
    owner_id: str = "1"
    storage_url: str | None = None  # the host of url-only recordings in the rows; None: this server
    not_found_status: int = 400  # the vendor publishes no status for ERROR_NOT_FOUND
    _table: dict[str, Callable[[MethodCall], Result]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._table = {
            "voximplant.statistic.get": self._statistics,
            "disk.file.get": self._file,
            "user.get": self._users,
            "user.current": lambda _call: Result(self.world.users[self.owner_id]),
            "crm.activity.call.gettranscript": self._transcript,
            "scope": lambda _call: Result(sorted(self.rights.scopes)),
            "methods": lambda _call: Result(self._allowed()),
            "method.get": self._method_get,
            "profile": self._profile,
            "user.admin": lambda _call: Result(self.rights.admin),
            "server.time": lambda call: Result(_iso(call.now, self.world)),
        }

    def call(self, method: str, call: MethodCall) -> Result:
        """`method` in lower case. Raises PortalError."""
        if method not in self._table:
            raise PortalError("ERROR_METHOD_NOT_FOUND")
        if not self._permits(method):
            raise PortalError("insufficient_scope")
        return self._table[method](call)

    def _permits(self, method: str) -> bool:
        needed = METHOD_SCOPES[method]
        return not needed or bool(needed & self.rights.scopes)

    def _allowed(self) -> list[str]:
        return [method for method in METHOD_SCOPES if self._permits(method)]

    def _method_get(self, call: MethodCall) -> Result:
        name = str(call.params.get("name", "")).lower()
        known = name in METHOD_SCOPES
        return Result({"isExisting": known, "isAvailable": known and self._permits(name)})

    def _profile(self, _call: MethodCall) -> Result:
        owner = self.world.users[self.owner_id]
        return Result({
            "ID": owner["ID"],
            "ADMIN": self.rights.admin,
            "NAME": owner["NAME"],
            "LAST_NAME": owner["LAST_NAME"],
            "PERSONAL_GENDER": "",
            "TIME_ZONE": "",
        })  # fmt: skip

    def _statistics(self, call: MethodCall) -> Result:
        if not self.rights.statistics:
            raise PortalError("ACCESS_DENIED", "Access denied!", 403)
        params = upper_keys(call.params)
        if self.rights.only_users is not None:
            # as the core does: the caller's own condition on the employee is lost
            params["FILTER"] = {
                **upper_keys(as_array(params.get("FILTER"))),
                "PORTAL_USER_ID": sorted(self.rights.only_users),
            }
        calls, storage_url = list(self.world.calls.values()), self.storage_url or f"{call.base_url}/storage"
        return page_of(calls, lambda call: row_of(call, self.world.zone, storage_url), params, self.ignores)

    def _file(self, call: MethodCall) -> Result:
        file_id = intval(upper_keys(call.params).get("ID"))
        if file_id <= 0:
            raise PortalError("ERROR_ARGUMENT", "Invalid value of parameter {Parameter #0}")
        file = self.world.files.get(file_id)
        if file is None:
            raise PortalError("ERROR_NOT_FOUND", f"Could not find entity with id `{file_id}`", self.not_found_status)
        if file.denied:
            raise PortalError("ACCESS_DENIED", "Access denied", 403)
        return Result(self._file_fields(file, call.base_url, call.now))

    def _file_fields(self, file: DiskFile, base_url: str, now: float) -> dict[str, Any]:
        deleted = file.deleted_type != "0"
        return {
            "ID": str(file.id),
            "NAME": file.name,
            "CODE": None,
            "STORAGE_ID": "1357",
            "TYPE": "file",
            "PARENT_ID": "8996",
            "DELETED_TYPE": file.deleted_type,
            "GLOBAL_CONTENT_VERSION": "1",
            "FILE_ID": str(file.id + 20000),
            "SIZE": str(len(file.audio.read()) if file.size is None else file.size),
            "CREATE_TIME": _iso(now - 86400, self.world),
            "UPDATE_TIME": _iso(now - 86400, self.world),
            "DELETE_TIME": _iso(now - 3600, self.world) if deleted else None,
            "CREATED_BY": self.owner_id,
            "UPDATED_BY": self.owner_id,
            "DELETED_BY": self.owner_id if deleted else "0",
            "DOWNLOAD_URL": self.links.make(base_url, file.id, now),
            "DETAIL_URL": f"{base_url}/company/personal/user/{self.owner_id}/disk/file/Telephony/{file.name}",
        }

    def _users(self, call: MethodCall) -> Result:
        given = upper_keys(call.params)
        conditions = {**given, **upper_keys(as_array(given.get("FILTER")))}
        found = sorted(self.world.users.values(), key=lambda user: int(user["ID"]))
        ids = conditions.get("ID", conditions.get("@ID"))
        if ids is not None:
            wanted = {str(item) for item in as_list(ids)}
            found = [user for user in found if user["ID"] in wanted]
        if "ACTIVE" in conditions:
            active = str(conditions["ACTIVE"]).lower() in ("true", "1", "y")
            found = [user for user in found if user["ACTIVE"] == active]
        start = intval(given.get("START"))
        if start < 0:
            return Result(found[:PAGE], total=0)
        following = start + PAGE
        return Result(found[start:following], len(found), following if following < len(found) else None)

    def _transcript(self, call: MethodCall) -> Result:
        """The text made by the portal itself, or null; `activityId` is the row's CRM_ACTIVITY_ID."""
        activity = str(upper_keys(call.params).get("ACTIVITYID", ""))
        for known in list(self.world.calls.values()):
            if known.activity_id is not None and known.activity_id == activity:
                return Result(None if known.transcript is None else {"transcription": known.transcript})
        raise PortalError("NOT_FOUND", "Element not found")


def _iso(moment: float, world: PortalWorld) -> str:
    return datetime.fromtimestamp(moment, world.zone).isoformat(timespec="seconds")
