"""A bundle's folder: its files, and the check that it is complete."""

import errno
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from harness.errors import BundleError
from harness.records import Abi
from harness.system.files import hash_file, open_regular

ABIS: tuple[Abi, ...] = get_args(Abi)
SUMS = "SHA256SUMS"
RUNNER = "runner"
LOADERS: dict[Abi, str] = {"arm64-v8a": "ld-linux-aarch64.so.1", "x86_64": "ld-linux-x86-64.so.2"}
# The path of the loader on a glibc system, as its ABI defines it.
SYSTEM_LOADERS: dict[Abi, str] = {
    "arm64-v8a": "/lib/ld-linux-aarch64.so.1",
    "x86_64": "/lib64/ld-linux-x86-64.so.2",
}
GLIBC = ("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0")
# Of glibc, too, but only ONNX Runtime needs it.
LIBRT = "librt.so.1"
# glibc and the compiler's runtime: the runner uses these instead of the device's.
LIBC_FAMILY = (*GLIBC, "libstdc++.so.6", "libgcc_s.so.1")
EXECUTORCH_LIBRARIES = (
    "libexecutorch.so",
    "libexecutorch_backend_xnnpack.so",
    "libexecutorch_kernels_optimized.so",
    "libexecutorch_kernels_quantized.so",
    "libexecutorch_threadpool.so",
)

_GLIBC_VERSION = re.compile(rb"\0GLIBC_([0-9]{1,3})\.([0-9]{1,3})")
_FILE_NAME = r"(?!\.{1,2}\Z)[A-Za-z0-9_.+-]{1,100}"
_SUM_LINE = re.compile(rf"(?P<sha256>[0-9a-f]{{64}})  (?P<name>{_FILE_NAME})")
_MAX_SUMS_BYTES = 100_000
# `e_machine` of an ELF header, and where it stands.
_ELF_MACHINES: dict[Abi, bytes] = {"arm64-v8a": b"\xb7\x00", "x86_64": b"\x3e\x00"}
_ELF_MACHINE_AT = slice(18, 20)


@dataclass(frozen=True)
class BundleFile:
    """One file to push; `name` contains no folder."""

    name: str
    sha256: str
    size_bytes: int
    mode: int


@dataclass(frozen=True)
class Bundle:
    """A complete bundle on this machine.

    Start the runner as `FOLDER/<loader> --library-path FOLDER FOLDER/runner <options>`, never directly: the
    device's loader and this glibc are not compatible. `sha256` is that of `SHA256SUMS`, the last of the
    files: a device that has it has the others. `runner_options` come before all other options.
    """

    abi: Abi
    folder: Path
    loader: str
    sha256: str
    files: tuple[BundleFile, ...]
    runner_options: tuple[str, ...] = ()

    @property
    def beside_glibc(self) -> tuple[str, ...]:
        """The names of the files that also work with another glibc."""
        apart = (*GLIBC, LIBRT, self.loader, SUMS)
        return tuple(file.name for file in self.files if file.name not in apart)

    def needed_glibc(self) -> tuple[int, int]:
        """The oldest glibc that `beside_glibc` works with: the highest version that its symbols name."""
        return max(
            (int(major), int(minor))
            for name in self.beside_glibc
            for major, minor in _GLIBC_VERSION.findall((self.folder / name).read_bytes())
        )


def file_mode(name: str) -> int:
    """Permission bits: executable, except the list of digests."""
    return 0o644 if name == SUMS else 0o755


def is_file_name(name: str) -> bool:
    """Whether a file of a bundle can have this name: it stays in its folder and is safe to print."""
    return re.fullmatch(_FILE_NAME, name) is not None


def write_sums(folder: Path) -> None:
    """Write `SHA256SUMS` of all files in the folder, in the format of `sha256sum -c`."""
    names = sorted(path.name for path in folder.iterdir() if path.name != SUMS)
    lines = [f"{hash_file(folder / name)}  {name}\n" for name in names]
    (folder / SUMS).write_text("".join(lines), encoding="ascii")


def read_sums(text: str) -> dict[str, str]:
    """Names and digests of a `SHA256SUMS`.

    Raises:
        BundleError: a line is malformed, or a name occurs twice.
    """
    sums: dict[str, str] = {}
    for line in text.splitlines():
        match = _SUM_LINE.fullmatch(line)
        if not match or match["name"] in (*sums, SUMS):
            raise BundleError(f"{SUMS} has a malformed or repeated line: {line[:100]!r}")
        sums[match["name"]] = match["sha256"]
    return sums


def read_bundle(folder: Path, abi: Abi, libraries: Sequence[str] = EXECUTORCH_LIBRARIES) -> Bundle:
    """The bundle in the folder, every file checked; `libraries` are those of its runtime.

    Raises:
        BundleError: a file is missing, damaged, of another ABI, or not in `SHA256SUMS`.
    """
    try:
        with open_regular(folder / SUMS) as file:
            sums_text = file.read(_MAX_SUMS_BYTES).decode()
        sums = read_sums(sums_text)
        found = {path.name: _hash_own(path) for path in folder.iterdir() if path.name != SUMS}
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"the bundle in {folder} cannot be read: {error}") from error
    wanted = {RUNNER, LOADERS[abi], *LIBC_FAMILY, *libraries}
    if found != sums or not wanted <= found.keys():
        wrong = sorted(name for name in {*found, *sums, *wanted} if found.get(name) != sums.get(name, ""))
        raise BundleError(f"the bundle in {folder} is damaged: {', '.join(wrong)}")
    foreign = sorted(name for name in wanted if not _is_of(folder / name, abi))
    if foreign:
        raise BundleError(f"the bundle in {folder} is not of {abi}: {', '.join(foreign)}")
    sums_sha256 = hashlib.sha256(sums_text.encode()).hexdigest()
    digests = {**dict(sorted(sums.items())), SUMS: sums_sha256}
    files = tuple(_describe(folder / name, sha256) for name, sha256 in digests.items())
    return Bundle(abi=abi, folder=folder, loader=LOADERS[abi], sha256=sums_sha256, files=files)


def _hash_own(path: Path) -> str:
    """SHA-256 of a file of the folder itself; a link could lead to what changes later."""
    if path.is_symlink():
        raise OSError(errno.EINVAL, "is a symbolic link", str(path))
    return hash_file(path)


def _is_of(program: Path, abi: Abi) -> bool:
    with open_regular(program) as file:
        head = file.read(_ELF_MACHINE_AT.stop)
    return head.startswith(b"\x7fELF") and head[_ELF_MACHINE_AT] == _ELF_MACHINES[abi]


def _describe(path: Path, sha256: str) -> BundleFile:
    return BundleFile(path.name, sha256, path.stat().st_size, file_mode(path.name))
