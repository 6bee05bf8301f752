"""The ledger: what every run spent, what every text cost. USD."""

from decimal import Decimal
from uuid import UUID

from include.calls.state.types import Charge
from include.common.budget import Spending
from include.common.postgres_session import Session

_FILE = "charges"


class Charges:
    """The table `charges`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def charge(self, run_id: UUID, recording_id: int, charge: Charge) -> None:
        """Adds one payment. A response that is stored is charged by `Responses.keep`, in the same statement."""
        self._session.count(_FILE, "charge", run_id=run_id, recording_id=recording_id, **parameters(charge))

    def round_up(self, run_id: UUID, recording_id: int, *, model: str, minutes: int, price: Decimal) -> None:
        """Charges the rest of a text's `price`: its minutes rounded up, less its pieces, whichever runs paid.

        Called in the transaction that stores the text. A second call changes nothing.
        """
        values = {"model": model, "minutes": minutes, "price": price}
        self._session.count(_FILE, "round_up", run_id=run_id, recording_id=recording_id, **values)

    def others_heard(self, run_id: UUID, recording_id: int, error_code: str) -> bool:
        """Whether the run has paid for another recording since this one ended in `error_code`."""
        values = {"run_id": run_id, "recording_id": recording_id, "error_code": error_code}
        return bool(self._session.value(_FILE, "others_heard", **values))

    def spending(self, run_id: UUID, rate_per_minute: Decimal) -> Spending:
        """What the run has spent and may spend; `rate_per_minute` prices the recordings that tasks work on now."""
        (found,) = self._session.rows(_FILE, "spending", Spending, run_id=run_id, rate_per_minute=rate_per_minute)
        return found


def parameters(charge: Charge) -> dict[str, object]:
    """A charge as parameters of a statement."""
    return {name: getattr(charge, name) for name in Charge.__slots__}
