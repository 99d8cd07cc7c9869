"""Build the ARM machine into a new folder: `python3 build.py FOLDER`.

A Debian arm64 guest with AOSP's adbd and OpenSSH's sshd, put together from Debian's packages with
nothing but ordinary rights. FOLDER then holds what a boot needs:

    kernel initrd root.ext4                     for qemu-system-aarch64
    adb_key adb_key.pub ssh_key ssh_key.pub     what its daemons accept, for this user's eyes only
    known_hosts                                 sshd's own key, whatever the port
"""

import os
import signal
import sys
import tempfile
from pathlib import Path

import adbd
import image
from commands import BuildFailed, require_programs
from keys import make_keys
from packages import Archive, unpack

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Build, or say on standard error why not."""
    if len(sys.argv) != 2:
        print("usage: build.py FOLDER", file=sys.stderr)
        return 2
    target = Path(sys.argv[1]).absolute()
    # The guest's folders are made with ordinary rights whatever this user's habit; keys have their own.
    os.umask(0o022)
    # Leave through the blocks that remove what is half made.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        require_programs()
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="building-") as work:
            build(Path(work), Path(work) / "machine")
            # Last and at once: a folder of this name is a whole machine.
            (Path(work) / "machine").rename(target)
    except (BuildFailed, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    say("built")
    return 0


def build(work: Path, out: Path) -> None:
    """Make the machine in `out`; `work` takes about 1 GB for a minute."""
    out.mkdir(mode=0o700)
    say("reading Debian's package index")
    archive = Archive(work / "apt")
    say("downloading the guest's packages")
    guest = archive.download((*image.PACKAGES, *adbd.RUNTIME_PACKAGES), work / "guest")
    kernel = archive.download_kernel(image.KERNEL_PACKAGE, work / "kernel")
    say("downloading adbd's sources and what they are compiled against")
    headers = archive.download(adbd.SYSROOT_PACKAGES, work / "headers")
    source = archive.download_source(adbd.SOURCE_PACKAGE, work / "source")
    say(f"unpacking {len(guest) + len(headers)} packages")
    unpack(guest, work / "root")
    unpack(headers, work / "sysroot")
    say("compiling adbd for ARM")
    adbd.build_adbd(source, work / "sysroot", HERE, work / "adbd")
    say("writing the disk")
    image.fill_root(work / "root", HERE / "guest", work / "adbd")
    make_keys(out, work / "root")
    image.make_boot_files(kernel, work / "root/usr/bin/busybox", HERE / "initrd_init", work / "boot", out)
    image.make_image(work / "root", out / "root.ext4")


def say(line: str) -> None:
    """Tell whoever waits."""
    print(f"arm-vm: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
