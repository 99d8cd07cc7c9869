"""Build the ARM machine into a new folder: `python3 build.py FOLDER`.

A Debian arm64 guest with AOSP's adbd and OpenSSH's sshd, built from Debian's packages by an ordinary
user. FOLDER then holds what a boot needs:

    kernel initrd root.ext4                     for qemu-system-aarch64
    adb_key adb_key.pub ssh_key ssh_key.pub     accepted by its daemons; readable by this user only
    known_hosts                                 sshd's host key, for any port
"""

import sys
from pathlib import Path

import adbd
import image
import making
from keys import make_keys
from packages import Archive, unpack

HERE = Path(__file__).resolve().parent
PROGRAMS = (
    *("apt-get", "dpkg", "dpkg-deb", "dpkg-source", "tar", "clang++", "aarch64-linux-gnu-ld"),
    *("mke2fs", "debugfs", "ssh-keygen", "adb"),
)


def build(work: Path, out: Path) -> None:
    """Make the machine in `out`; `work` takes about 1 GB for a minute."""
    report("reading Debian's package index")
    archive = Archive(work / "apt")
    report("downloading the guest's packages")
    guest = archive.download((*image.PACKAGES, *adbd.RUNTIME_PACKAGES), work / "guest")
    kernel = archive.download_kernel(image.KERNEL_PACKAGE, work / "kernel")
    report("downloading adbd's sources and the libraries they need")
    headers = archive.download(adbd.SYSROOT_PACKAGES, work / "headers")
    source = archive.download_source(adbd.SOURCE_PACKAGE, work / "source")
    report(f"unpacking {len(guest) + len(headers)} packages")
    unpack(guest, work / "root")
    unpack(headers, work / "sysroot")
    report("compiling adbd for ARM")
    adbd.build_adbd(source, work / "sysroot", HERE, work / "adbd")
    report("writing the disk")
    image.fill_root(work / "root", HERE / "guest", work / "adbd")
    make_keys(out, work / "root")
    busybox = work / "root/usr/bin/busybox"
    image.make_boot_files(kernel, image.MODULES, busybox, HERE / "initrd_init", work / "boot", out)
    image.make_image(work / "root", out / "root.ext4", image.OWNERS)
    report("built")


def report(line: str) -> None:
    """Print a line of progress."""
    making.report(f"arm-vm: {line}")


if __name__ == "__main__":
    sys.exit(making.make_folder(PROGRAMS, build))
