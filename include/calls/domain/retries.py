"""When a recording that the portal no longer has is looked for again."""

from collections.abc import Sequence
from datetime import date, timedelta


def next_look(missing_since: date, tonight: date, nights: Sequence[int]) -> date | None:
    """The next night after `tonight` on which a run asks the portal once more; None: no run does so by itself.

    `nights` are counted from `missing_since`, the night on which the recording was first missed.
    """
    looks = (missing_since + timedelta(days=night) for night in sorted(nights))
    return next((look for look in looks if look > tonight), None)
