"""Whether a folder of the storage has room for what is about to be downloaded. How full a bucket is, is not known."""

from decimal import Decimal

from include.clients.storage.base import Storage
from include.common.errors import NotConfigured

BYTES_PER_MINUTE = 1_000_000  # an MP3 of 128 kbit/s with its texts; telephony usually makes a third of that
RESERVE_BYTES = 1_000_000_000  # for what runs beside: texts, logs, PostgreSQL on the same disk


def lacking_bytes(storage: Storage, minutes: Decimal) -> int:
    """How much room is missing for so many minutes of audio; 0 where they fit."""
    free = storage.free_bytes()
    return 0 if free is None else max(0, int(minutes * BYTES_PER_MINUTE) + RESERVE_BYTES - free)


def refuse_without_room(storage: Storage, minutes: Decimal) -> None:
    """Raises NotConfigured, which stops the run before it downloads: each recording would fail alike."""
    if lacking := lacking_bytes(storage, minutes):
        raise NotConfigured(
            f"the storage lacks {lacking} bytes for {minutes} minutes of audio: nothing was downloaded",
            problem="no_room_for_audio",
            lacking_gb=round(lacking / 1e9, 1),
            minutes=round(minutes),
        )
