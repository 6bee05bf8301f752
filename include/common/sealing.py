"""Files that only the holder of a key can read: the format of age, which its own program `age -d` opens as well.

age encrypts in chunks of 64 KiB, each authenticated together with its place and with the end of the file: what was
changed, cut off or put together from two files is refused. Memory does not grow with the file.
"""

import hashlib
from dataclasses import dataclass
from typing import IO

import pyrage

from include.common.errors import NotConfigured, Permanent


@dataclass(frozen=True, slots=True)
class Sealed:
    """What lies in the storage: the size and SHA-256 of the encrypted bytes."""

    bytes: int
    sha256: str


def new_key() -> str:
    """A fresh key, as one line of text."""
    return str(pyrage.x25519.Identity.generate())


class Seal:
    """Encrypts and decrypts with one key."""

    def __init__(self, key: str) -> None:
        """Raises NotConfigured for a text that is no key."""
        try:
            self._identity = pyrage.x25519.Identity.from_str(key)
        except pyrage.IdentityError:
            raise NotConfigured("BACKUP_KEY is no key: make backup-key prints one", problem="not_a_key") from None

    def close(self, plain: IO[bytes], sealed: IO[bytes]) -> Sealed:
        """Encrypts everything that `plain` yields."""
        counted = _Counted(sealed)
        pyrage.encrypt_io(plain, counted, [self._identity.to_public()])
        return counted.sealed

    def open(self, sealed: IO[bytes], plain: IO[bytes], name: str) -> None:
        """Decrypts into `plain`, chunk by chunk: only after the return is the whole known to be genuine.

        Raises Permanent, with `name`, for what was not made with this key or was changed or cut off since.
        """
        try:
            pyrage.decrypt_io(sealed, plain, [self._identity])
        except BrokenPipeError:  # the reader of `plain` has ended and says itself why
            raise
        except (pyrage.DecryptError, OSError):
            raise refused(name) from None


def digest_of(file: IO[bytes]) -> Sealed:
    """Size and SHA-256 of what the file has left."""
    counted = _Counted(None)
    while block := file.read(1 << 20):
        counted.write(block)
    return counted.sealed


def refused(name: str) -> Permanent:
    return Permanent(
        f"{name} was changed or cut off, or belongs to another key: it is not used", problem="seal_broken", name=name
    )


class _Counted:
    def __init__(self, file: IO[bytes] | None) -> None:
        self._file, self._bytes, self._digest = file, 0, hashlib.sha256()

    def write(self, block: bytes) -> int:
        self._digest.update(block)
        self._bytes += len(block)
        if self._file is not None:
            self._file.write(block)
        return len(block)

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    @property
    def sealed(self) -> Sealed:
        return Sealed(self._bytes, self._digest.hexdigest())
