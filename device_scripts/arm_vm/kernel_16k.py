"""Fetch a kernel with pages of 16 KB for the ARM machine: `python3 kernel_16k.py FOLDER`.

Debian 13 is the first release that has one. FOLDER then holds `kernel` and `initrd`, which boot the disk that
build.py makes.
"""

import sys
from pathlib import Path

import image
import making
from packages import Archive, unpack

HERE = Path(__file__).resolve().parent
PROGRAMS = ("apt-get", "dpkg", "dpkg-deb", "tar")
RELEASE = "trixie"
KERNEL_PACKAGE = "linux-image-arm64-16k"
# In the order they are loaded; virtio itself is built in, ext4 is not.
MODULES = (
    *("libcrc32c", "crc32c_generic", "virtio_mmio", "virtio_blk", "failover", "net_failover", "virtio_net"),
    *("jbd2", "mbcache", "crc16", "ext4"),
)


def fetch(work: Path, out: Path) -> None:
    """Write kernel and initial ramdisk to `out`."""
    making.report("arm-vm:16k: downloading Debian 13's kernel with pages of 16 KB")
    archive = Archive(work / "apt", release=RELEASE)
    kernel = archive.download_kernel(KERNEL_PACKAGE, work / "kernel")
    unpack(archive.download(("busybox-static",), work / "packages"), work / "root", "./usr/bin/busybox")
    busybox = work / "root/usr/bin/busybox"
    image.make_boot_files(kernel, MODULES, busybox, HERE / "initrd_init", work / "boot", out)


if __name__ == "__main__":
    sys.exit(making.make_folder(PROGRAMS, fetch))
