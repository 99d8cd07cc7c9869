"""ExecuTorch's wheel for an ABI: the installed one, or the same version for the other platform."""

import platform
import sys
import zipfile
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from harness.errors import BundleError
from harness.records import Abi
from harness.system.entry_lock import locked
from harness.system.extras import installed_version, pinned_version
from harness.system.files import hash_file, write_atomically
from harness.system.folders import install_folder, scratch_folder
from harness.system.paths import APPLICATION, cache_folder
from harness.system.processes import run_local

MACHINES: dict[Abi, str] = {"arm64-v8a": "aarch64", "x86_64": "x86_64"}
_DISTRIBUTION = "executorch"
_EXTRA = f"pip install '{APPLICATION}[lower]', or pip install mobilenet-harness-runner"
_NEEDED = ("executorch/include/", "executorch/lib/", "executorch/share/cmake/")
_DOWNLOAD_TIMEOUT_S = 900
# Of the version that pyproject.toml pins, for all platforms; `make lock` writes them.
WHEEL_DIGESTS = Path(__file__).with_name("executorch_wheels.sha256")


def executorch_version() -> str:
    """The installed version, without importing it; without one, the version this harness is made for.

    Raises:
        BundleError: neither is known.
    """
    version = installed_version(_DISTRIBUTION) or pinned_version(_DISTRIBUTION)
    if version is None:
        raise BundleError("the metadata of the installed harness names no version of executorch", hint=_EXTRA)
    return version


def runs_natively(abi: Abi) -> bool:
    """Whether this machine executes programs of the ABI without emulation."""
    return sys.platform == "linux" and platform.machine() == MACHINES[abi]


def find_executorch(abi: Abi) -> Path:
    """The `executorch` package folder with headers and libraries; downloaded for another platform's ABI.

    What was unpacked is compared with the digests recorded then, and downloaded again if it differs.

    Raises:
        BundleError: the download failed, or ExecuTorch for this machine is not installed.
    """
    version = executorch_version()
    if runs_natively(abi):
        try:
            return Path(str(metadata.distribution(_DISTRIBUTION).locate_file("executorch")))
        except metadata.PackageNotFoundError as error:
            raise BundleError("executorch is not installed", hint=_EXTRA) from error
    requirement = f"executorch=={version.partition('+')[0]}"
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = f"executorch-{version}-{MACHINES[abi]}"
    return ensure_unpacked(name, requirement, abi, python, locked_digests(), _unpack) / "executorch"


def ensure_unpacked(
    name: str,
    requirement: str,
    abi: Abi,
    python: str,
    digests: Sequence[str],
    unpack: Callable[[Path, Path], None],
) -> Path:
    """What is needed of a package's wheel for an ABI and a Python, unpacked in the cache; downloaded once.

    `unpack` gets the wheel and a folder to fill; `digests` are the SHA-256 that the wheel may have.

    Raises:
        BundleError: the download failed, or gave another file.
    """
    folder = cache_folder() / "wheels" / name
    with locked(folder):
        if not is_intact(folder, digests):
            with scratch_folder(folder.parent) as scratch:
                wheel = _download(requirement, MACHINES[abi], python, scratch)
                check_digest(wheel, digests)
                unpacked = scratch / "unpacked"
                unpacked.mkdir()
                unpack(wheel, unpacked)
                install_unpacked(unpacked, folder, wheel_digest=hash_file(wheel))
    return folder


def install_unpacked(unpacked: Path, folder: Path, *, wheel_digest: str) -> None:
    """Move what was unpacked to its place, whose lock the caller holds, and record its digests beside it."""
    write_atomically(_record_of(folder), f"{wheel_digest}\n{_list_digests(unpacked)}")
    install_folder(unpacked, folder)


def is_intact(folder: Path, digests: Sequence[str]) -> bool:
    """Whether the folder holds just what was unpacked from a wheel that still may be used.

    A folder without a record of its wheel, as earlier versions of the harness left them, is not.
    """
    if folder.is_symlink() or not folder.is_dir():
        return False
    try:
        wheel, _, recorded = _record_of(folder).read_text(encoding="utf-8").partition("\n")
        return wheel in digests and recorded == _list_digests(folder)
    except (OSError, UnicodeDecodeError):
        return False


def _record_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.sha256")


def _list_digests(folder: Path) -> str:
    """A line for each entry below: what is not a regular file and no folder has `-` for its digest."""
    entries = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return "".join(f"{_digest_of(path)}  {path.relative_to(folder)}\n" for path in entries)


def _digest_of(path: Path) -> str:
    return hash_file(path) if path.is_file() and not path.is_symlink() else "-"


def locked_digests() -> list[str]:
    """The SHA-256 of ExecuTorch's wheels, as `make lock` wrote them."""
    return WHEEL_DIGESTS.read_text(encoding="ascii").split()


def _download(requirement: str, machine: str, python: str, folder: Path) -> Path:
    answer = run_local(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary=:all:", "--dest", str(folder)),
            *("--platform", f"manylinux_2_28_{machine}", "--platform", f"manylinux_2_27_{machine}"),
            *("--python-version", python, "--implementation", "cp", requirement),
        ],
        timeout_s=_DOWNLOAD_TIMEOUT_S,
    )
    wheels = tuple(folder.glob("*.whl"))
    if answer.exit_code != 0 or len(wheels) != 1:
        stderr = answer.stderr.decode("utf-8", "replace").strip()[-500:]
        raise BundleError(
            f"the {requirement} wheel for {machine} could not be downloaded: {stderr}",
            hint="check the network, or import a bundle made on another machine",
        )
    return wheels[0]


def check_digest(wheel: Path, digests: Sequence[str]) -> None:
    """Refuse a wheel that is not one of those known: what is in it is compiled, linked and run.

    Raises:
        BundleError: its SHA-256 is none of theirs.
    """
    found = hash_file(wheel)
    if found not in digests:
        raise BundleError(
            f"{wheel.name} has the SHA-256 {found}, which is none of the {len(digests)} that are known:"
            f" {', '.join(digest[:12] for digest in digests)}",
            hint="the package index served another file than the published one: check pip's configuration",
        )


def _unpack(wheel: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            needed = [name for name in archive.namelist() if name.startswith(_NEEDED)]
            archive.extractall(folder, needed)
    except zipfile.BadZipFile as error:
        raise BundleError(f"{wheel.name} cannot be unpacked: {error}") from error
