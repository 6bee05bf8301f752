"""Which file systems are known to be encrypted, by what the kernel says of them."""

from pathlib import Path

import pytest

from include.common.errors import NotConfigured
from ops.settings import encrypted_disk
from ops.settings.encrypted_disk import is_encrypted, require_encrypted_disk
from ops.settings.profile import Runtime
from tests.unit.ops.settings.test_transport import settings_of

MOUNTS = """\
1 0 8:1 / / rw - ext4 /dev/sda1 rw
2 1 253:0 / /luks rw - ext4 /dev/mapper/luks rw
3 1 253:1 / /lvm\\040on\\040luks rw - xfs /dev/vg/calls rw
4 1 253:2 / /lvm rw - xfs /dev/vg/plain rw
5 1 253:3 / /half rw - xfs /dev/vg/half rw
6 1 0:50 / /vault rw - fuse.gocryptfs /plain/cipher rw
7 1 0:51 / /zfs rw - zfs tank/calls rw
8 2 8:1 / /luks/plain rw - ext4 /dev/sda1 rw
"""
UUIDS = {"253:0": "CRYPT-LUKS2-1", "253:1": "LVM-1", "253:2": "LVM-2", "253:3": "LVM-3"}
BELOW = {"253:1": ["253:0"], "253:2": ["8:1"], "253:3": ["253:0", "8:1"]}


@pytest.fixture
def kernel(tmp_path: Path) -> tuple[Path, Path]:
    mounts, devices = tmp_path / "mountinfo", tmp_path / "block"
    mounts.write_text(MOUNTS, encoding="utf-8")
    for device in (*UUIDS, "8:1"):
        (devices / device / "slaves").mkdir(parents=True)
    for device, uuid in UUIDS.items():
        (devices / device / "dm").mkdir()
        (devices / device / "dm" / "uuid").write_text(f"{uuid}\n", encoding="utf-8")
    for device, below in BELOW.items():
        for one in below:
            (devices / device / "slaves" / one).symlink_to(devices / one)
    return mounts, devices


@pytest.mark.parametrize(
    ("folder", "encrypted"),
    [
        ("/srv/calls", False),
        ("/luks/calls/not/yet/there", True),
        ("/luks/plain/calls", False),
        ("/lvm on luks/calls", True),
        ("/lvm/calls", False),
        ("/half", False),
        ("/vault/calls", True),
        ("/zfs/calls", False),
    ],
)
def test_a_folder_is_as_safe_as_the_devices_below_it(kernel: tuple[Path, Path], folder: str, encrypted: bool) -> None:
    assert is_encrypted(Path(folder), *kernel) is encrypted


def test_the_folder_is_named_if_it_is_required(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encrypted_disk, "is_encrypted", lambda folder: folder == tmp_path / "var" / "main")
    runtime = Runtime("main", tmp_path)
    require_encrypted_disk(settings_of({}), runtime)
    with pytest.raises(NotConfigured, match="calls is not on a file system"):
        require_encrypted_disk(settings_of({"require_encrypted_disk": "true", "local_storage_dir": "calls"}), runtime)
    on_s3 = {"require_encrypted_disk": "true", "storage_backend": "s3", "s3_bucket": "calls"}
    require_encrypted_disk(settings_of(on_s3), runtime)
