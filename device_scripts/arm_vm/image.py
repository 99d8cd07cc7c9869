"""The guest's root file system and initial ramdisk, made without root, loop mounts or ARM code."""

import lzma
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from commands import BuildFailed, run
from packages import unpack

PACKAGES = (
    *("?essential", "usr-is-merged", "mount", "busybox-static", "iproute2", "procps"),
    *("openssh-server", "openssh-sftp-server", "sudo"),
)
KERNEL_PACKAGE = "linux-image-cloud-arm64"
# In the order they are loaded; ext4 is built in.
MODULES = (
    *("virtio", "virtio_ring", "virtio_mmio", "virtio_blk"),
    *("failover", "net_failover", "virtio_net"),
)
SIZE = "1G"  # sparse: unused blocks take no space
UNUSED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/lib/dpkg", "boot")

# Folders whose owner an unprivileged build cannot set in its own file system.
SHELL, HARNESS = 2000, 1000
OWNERS = {"data/local/tmp": SHELL, "home/harness": HARNESS}
FOLDERS = {"data/local/tmp": 0o771, "home/harness/.ssh": 0o700, "root": 0o700}
FOLDERS_MOUNTED_ON = ("dev", "proc", "sys", "run", "tmp", "var/log", "var/empty")


def fill_root(root: Path, template: Path, adbd: Path) -> None:
    """Add to the unpacked packages what their install scripts would write, and our own daemons."""
    for name in UNUSED:
        shutil.rmtree(root / name, ignore_errors=True)
    for name in FOLDERS_MOUNTED_ON:
        (root / name).mkdir(parents=True, exist_ok=True)
    for name, mode in FOLDERS.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name).chmod(mode)
    place_tree(template, root)
    place(adbd, root / "usr/sbin/adbd", mode=0o755)
    for name in ("usr/bin/sh", "usr/sbin/init"):
        (root / name).unlink(missing_ok=True)
        (root / name).symlink_to("/usr/bin/busybox")


def place_tree(template: Path, root: Path) -> None:
    """Copy all files of a folder into the tree."""
    for source in sorted(path for path in template.rglob("*") if path.is_file()):
        place(source, root / source.relative_to(template), mode=0o755 if is_script(source) else 0o644)


def place(source: Path, target: Path, *, mode: int) -> None:
    """Copy a file into the tree, replacing a package's own."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def is_script(path: Path) -> bool:
    """Whether a file begins with `#!`."""
    return path.read_bytes()[:2] == b"#!"


def make_image(root: Path, image: Path, owners: Mapping[str, int], size: str = SIZE) -> None:
    """Write the tree as an ext4 image in which files belong to root, or to the `owners` of their folders.

    No journal and no lazily initialized tables, so the kernel does no work in the background.
    """
    features = ("-t", "ext4", "-O", "^has_journal", "-E", "lazy_itable_init=0")
    run("mke2fs", "-q", *features, "-d", root, image, size)
    commands = image.with_suffix(".debugfs")
    commands.write_text("\n".join(_ownership(root, owners)) + "\n")
    output = run("debugfs", "-w", "-f", commands, image)
    commands.unlink()
    problems = [line for line in output.splitlines() if line and not line.startswith("debugfs: ")]
    if problems:
        raise BuildFailed(f"debugfs: {problems[0]}")


def _ownership(root: Path, owners: Mapping[str, int]) -> Iterator[str]:
    by_folder = {root / name: owner for name, owner in owners.items()}
    for path in (root, *sorted(root.rglob("*"))):
        owner = next((by_folder[folder] for folder in (path, *path.parents) if folder in by_folder), 0)
        quoted = f'"/{path.relative_to(root)}"'
        yield f"set_inode_field {quoted} uid {owner}"
        yield f"set_inode_field {quoted} gid {owner}"


def make_boot_files(
    kernel_package: Path, modules: Sequence[str], busybox: Path, init: Path, work: Path, out: Path
) -> None:
    """Write `kernel` and `initrd`: busybox, the modules to reach the disk, and a script."""
    unpack([kernel_package], work, "./boot/vmlinuz-*", *(f"*/{name}.ko*" for name in modules))
    shutil.copyfile(next((work / "boot").glob("vmlinuz-*")), out / "kernel")
    unpacked = {path.name.partition(".")[0]: path for path in work.rglob("*.ko*")}
    entries = [(".", stat.S_IFDIR | 0o755, b"")]
    entries += [(name, stat.S_IFDIR | 0o755, b"") for name in ("bin", "dev", "modules", "root")]
    entries.append(("bin/busybox", stat.S_IFREG | 0o755, busybox.read_bytes()))
    entries.append(("init", stat.S_IFREG | 0o755, init.read_bytes()))
    for number, name in enumerate(modules):
        data = unpacked[name].read_bytes()
        if unpacked[name].suffix == ".xz":
            data = lzma.decompress(data)
        entries.append((f"modules/{number:02}-{name}.ko", stat.S_IFREG | 0o644, data))
    (out / "initrd").write_bytes(b"".join(_archive(entries)))


def _archive(entries: list[tuple[str, int, bytes]]) -> Iterator[bytes]:
    """Write a `newc` cpio archive (Linux, Documentation/driver-api/early-userspace/buffer-format.rst)."""
    for inode, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], start=1):
        encoded = name.encode() + b"\0"
        links = 2 if stat.S_ISDIR(mode) else 1
        numbers = (inode, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
        header = b"070701" + b"".join(b"%08x" % number for number in numbers) + encoded
        yield header + bytes(-len(header) % 4)
        yield data + bytes(-len(data) % 4)
