"""Build the disk of `arm-vm:android`, a machine like a phone: `python3 android.py FOLDER MACHINE`.

MACHINE is the folder that build.py made, whose kernel boots the disk and whose adbd and busybox go onto it.
FOLDER then holds `root.ext4`, and `adb_key` and `adb_key.pub`, which its adbd accepts. Nothing on the disk is
where a program would look for glibc: adbd and awk have their own loader and libraries in
/apex/com.android.adbd.
"""

import shutil
import sys
from pathlib import Path

import adbd
import image
import making
from applets import APPLETS
from commands import BuildFailed, run
from keys import make_adb_key
from packages import Archive, unpack
from phones import lay_phone
from toybox import SOURCE_PACKAGE, build_toybox

HERE = Path(__file__).resolve().parent
PROGRAMS = (
    *("apt-get", "dpkg", "dpkg-deb", "tar", "mke2fs", "debugfs", "adb"),
    *("make", "gcc", "aarch64-linux-gnu-gcc"),
)
# mksh for its static shell; libstdc++ and the like for adbd and awk.
PACKAGES = ("mksh", "original-awk", *adbd.RUNTIME_PACKAGES)
SHELL = "usr/lib/klibc/bin/mksh"
LIBRARIES = "usr/lib/aarch64-linux-gnu"
ADBD = "apex/com.android.adbd"
MACHINE = "apex/com.harness.machine"
FOLDERS_MOUNTED_ON = ("dev", "proc", "sys", "storage/emulated/0")
FOLDERS = ("data/local/tmp", "data/media/0", "vendor/bin", "product/bin", "system_ext/bin", "odm/bin")
LINKS = {
    "bin": "/system/bin",
    "etc": "/system/etc",
    "sdcard": "/storage/emulated/0",
    "d": "/sys/kernel/debug",
}
SHELL_USER, MEDIA_USER = 2000, 1023
OWNERS = {"data/local/tmp": SHELL_USER, "data/media/0": MEDIA_USER}
MODES = {"data": 0o771, "data/local": 0o751, "data/local/tmp": 0o771, "data/media/0": 0o777, "sbin": 0o750}
SIZE = "512M"  # sparse: unused blocks take no space


def build(work: Path, out: Path, machine: Path) -> None:
    """Make the disk in `out`; `work` takes about 200 MB for half a minute."""
    report("downloading mksh, awk, adbd's libraries and toybox's sources")
    archive = Archive(work / "apt")
    unpack(archive.download(PACKAGES, work / "packages"), work / "unpacked")
    source = archive.download_upstream(SOURCE_PACKAGE, work / "source")
    report("compiling toybox for ARM")
    toybox, applets = build_toybox(source)
    report("writing the disk")
    root = work / "root"
    _make_folders(root)
    _place_daemon(work / "unpacked", machine, root)
    image.place_tree(HERE / "android", root)
    _place_tools(work / "unpacked" / SHELL, toybox, applets, root)
    for table in sorted((HERE / "phones").glob("*.tsv")):
        lay_phone(table, root / "apex/com.harness.phones" / table.stem)
    make_adb_key(out, root)
    _restrict(root)
    image.make_image(root, out / "root.ext4", OWNERS, SIZE)
    report("built")


def _make_folders(root: Path) -> None:
    for name in (*FOLDERS_MOUNTED_ON, *FOLDERS):
        (root / name).mkdir(parents=True)
    for name, target in LINKS.items():
        (root / name).symlink_to(target)


def _place_daemon(unpacked: Path, machine: Path, root: Path) -> None:
    """adbd, awk, their loader and libraries, out of sight; and busybox for what runs as root."""
    libraries = unpacked / LIBRARIES
    for library in (*libraries.glob("*.so*"), *(libraries / "android").glob("*.so*")):
        if library.is_file():
            image.place(library, root / ADBD / "lib64" / library.name, mode=0o755)
    image.place(unpacked / "usr/bin/original-awk", root / ADBD / "bin/awk", mode=0o755)
    for name, target in (("usr/sbin/adbd", f"{ADBD}/bin/adbd"), ("usr/bin/busybox", f"{MACHINE}/busybox")):
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        output = run("debugfs", "-R", f'dump "/{name}" "{root / target}"', machine / "root.ext4")
        if not (root / target).is_file():
            raise BuildFailed(f"no /{name} on the disk of arm-vm:\n{output}")
        (root / target).chmod(0o755)


def _place_tools(shell: Path, toybox: Path, applets: frozenset[str], root: Path) -> None:
    """The shell, and toybox under the names that a release has; an older one's folder is mounted by rc."""
    image.place(shell, root / "system/bin/sh", mode=0o755)
    image.place(toybox, root / "system/bin/toybox", mode=0o755)
    shutil.copytree(root / "system/bin", root / MACHINE / "bin-9")
    (root / MACHINE / "bin-9/settaskprofile").unlink()
    for release, folder in (("14", "system/bin"), ("9", f"{MACHINE}/bin-9")):
        for name in applets.intersection(APPLETS[release]):
            (root / folder / name).symlink_to("toybox")


def _restrict(root: Path) -> None:
    for name, mode in MODES.items():
        (root / name).chmod(mode)
    # What only init runs.
    for path in (root / MACHINE).iterdir():
        if path.is_file() and path.suffix != ".sh":
            path.chmod(0o700)


def report(line: str) -> None:
    """Print a line of progress."""
    making.report(f"arm-vm:android: {line}")


if __name__ == "__main__":
    sys.exit(making.make_folder(PROGRAMS, build, inputs=1))
