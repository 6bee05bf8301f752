"""A folder of a bucket belongs to one installation: two would overwrite and remove each other's files."""

from include.calls.state.installation import Installation
from include.calls.state.state import State
from include.clients.storage.base import Storage
from include.common.errors import NotConfigured

MARK = "installation.txt"


def claim_storage(storage: Storage, state: State) -> None:
    """Leaves this installation's mark in a bucket that has none; a folder on a disk is an installation's own.

    Raises NotConfigured if it has another installation's.
    """
    if not storage.SHARED:
        return
    ours = Installation(state.session).identity()
    if not storage.exists(MARK):
        storage.put_bytes(MARK, ours.encode(), "text/plain; charset=utf-8")
    theirs = storage.get_bytes(MARK).decode(errors="replace")
    if theirs != ours:
        database = theirs.partition(" ")[2][:63]
        raise NotConfigured(
            f"the storage belongs to the installation with the database {database}: set another S3_PREFIX; "
            f"if this database has taken its place, remove {MARK} from the storage",
            problem="foreign_storage",
            database=database,
            mark=MARK,
        )
