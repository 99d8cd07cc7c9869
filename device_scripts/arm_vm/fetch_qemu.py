"""Fetch user-mode QEMU with plugins into a new folder: `python3 fetch_qemu.py FOLDER`.

Debian 12's build loads plugins; those of Debian 13 and of Ubuntu 24.04 and 26.04 do not. FOLDER also
holds all its libraries and their loader, so any Linux of the same architecture runs it:

    FOLDER/usr/lib/TRIPLET/ld-linux-*.so.* --library-path FOLDER/usr/lib/TRIPLET FOLDER/usr/bin/qemu-aarch64
"""

import shutil
import sys
from pathlib import Path

from commands import run
from making import make_folder, report
from packages import Archive, unpack

PROGRAMS = ("apt-get", "dpkg", "dpkg-deb", "tar")
PACKAGE = "qemu-user"
# The package holds the emulators of all architectures.
EMULATOR = "./usr/bin/qemu-aarch64"


def fetch(work: Path, out: Path) -> None:
    """Unpack the emulator and its libraries to `out`, 36 MB."""
    report("emulator: downloading Debian 12's QEMU, because this machine's QEMU loads no plugins")
    archive = Archive(work / "apt", run("dpkg", "--print-architecture").strip())
    for package in archive.download((PACKAGE,), work / "packages"):
        unpack([package], out, *((EMULATOR,) if package.name.startswith(f"{PACKAGE}_") else ()))
    for name in ("etc", "var", "usr/share"):
        shutil.rmtree(out / name, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(make_folder(PROGRAMS, fetch))
