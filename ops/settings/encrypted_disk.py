"""Whether a folder is on an encrypted file system, as far as Linux says.

Known: LUKS and plain dm-crypt below any layers of LVM or RAID; eCryptfs, gocryptfs, EncFS and CryFS by their type.
Not to be known from here, and therefore not accepted: fscrypt and ZFS by folder, drives that encrypt themselves, and
the disks of a cloud, which look plain to the machine.
"""

import os
from pathlib import Path

from include.common.errors import NotConfigured
from ops.settings.connections import local_storage
from ops.settings.env_file import Settings
from ops.settings.profile import Runtime

ENCRYPTING = {"ecryptfs", "fuse.gocryptfs", "fuse.encfs", "fuse.cryfs"}
MOUNTS, DEVICES = Path("/proc/self/mountinfo"), Path("/sys/dev/block")


def require_encrypted_disk(settings: Settings, runtime: Runtime) -> None:
    """Raises NotConfigured, with REQUIRE_ENCRYPTED_DISK=true, for a folder that is not known to be encrypted."""
    if not settings.require_encrypted_disk:
        return
    folders = [runtime.home]
    if settings.storage_backend == "local":
        folders.append(local_storage(settings, runtime))
    for folder in folders:
        if not is_encrypted(folder):
            raise NotConfigured(
                f"{folder} is not on a file system that is known to be encrypted", problem="plain_disk", folder=folder
            )


def is_encrypted(folder: Path, mounts: Path = MOUNTS, devices: Path = DEVICES) -> bool:
    """The folder need not exist yet."""
    real = Path(os.path.realpath(folder))
    kind, device, source = _mount_of(real, mounts.read_text(encoding="utf-8"))
    if kind in ENCRYPTING:
        return True
    if device.startswith("0:") and source.startswith("/dev/"):  # btrfs: a device number of its own
        with_numbers = Path(source)
        if not with_numbers.exists():
            return False
        number = with_numbers.stat().st_rdev
        device = f"{os.major(number)}:{os.minor(number)}"
    return _is_crypt(devices / device)


def _mount_of(folder: Path, mountinfo: str) -> tuple[str, str, str]:
    """Type, device number and source of the mount with the longest path above the folder; the last one hides others."""
    best: tuple[str, str, str] = ("", "", "")
    longest = -1
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields, (kind, source, *_) = left.split(), right.split()
        point = Path(fields[4].encode().decode("unicode_escape"))
        if folder.is_relative_to(point) and len(point.parts) >= longest:
            longest, best = len(point.parts), (kind, fields[2], source)
    return best


def _is_crypt(device: Path) -> bool:
    """dm-crypt names itself in the device's uuid; of several devices below, each has to be encrypted."""
    uuid = device / "dm" / "uuid"
    if uuid.exists() and uuid.read_text(encoding="utf-8").startswith("CRYPT-"):
        return True
    partition_of = device.resolve().parent if (device / "partition").exists() else device
    below = [*(device / "slaves").glob("*"), *((partition_of / "slaves").glob("*") if partition_of != device else ())]
    return bool(below) and all(_is_crypt(one) for one in below)
