"""ExecuTorch's wheel for an ABI: the installed one, or the same version for the other platform."""

import platform
import sys
import zipfile
from importlib import metadata
from pathlib import Path

from harness.errors import BundleError
from harness.records import Abi
from harness.system.entry_lock import locked
from harness.system.files import hash_file
from harness.system.folders import install_folder, scratch_folder
from harness.system.paths import cache_folder
from harness.system.processes import run_local

MACHINES: dict[Abi, str] = {"arm64-v8a": "aarch64", "x86_64": "x86_64"}
_NEEDED = ("executorch/include/", "executorch/lib/", "executorch/share/cmake/")
_DOWNLOAD_TIMEOUT_S = 900
# Of the version that pyproject.toml pins, for all platforms; `make lock` writes them.
WHEEL_DIGESTS = Path(__file__).with_name("executorch_wheels.sha256")


def executorch_version() -> str:
    """The installed version, without importing it.

    Raises:
        BundleError: ExecuTorch is not installed.
    """
    try:
        return metadata.version("executorch")
    except metadata.PackageNotFoundError as error:
        raise BundleError("executorch is not installed", hint="pip install -e .") from error


def runs_natively(abi: Abi) -> bool:
    """Whether this machine executes programs of the ABI without emulation."""
    return sys.platform == "linux" and platform.machine() == MACHINES[abi]


def find_executorch(abi: Abi) -> Path:
    """The `executorch` package folder with headers and libraries; downloaded for another platform's ABI.

    Raises:
        BundleError: the download failed.
    """
    version = executorch_version()
    if runs_natively(abi):
        return Path(str(metadata.distribution("executorch").locate_file("executorch")))
    folder = cache_folder() / "wheels" / f"executorch-{version}-{MACHINES[abi]}"
    with locked(folder):
        if not folder.is_dir():
            with scratch_folder(folder.parent) as scratch:
                _unpack(_download(version, MACHINES[abi], scratch), scratch / "unpacked")
                install_folder(scratch / "unpacked", folder)
    return folder / "executorch"


def _download(version: str, machine: str, folder: Path) -> Path:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    answer = run_local(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary=:all:", "--dest", str(folder)),
            *(
                "--platform",
                f"manylinux_2_28_{machine}",
                "--python-version",
                python,
                "--implementation",
                "cp",
            ),
            f"executorch=={version.partition('+')[0]}",
        ],
        timeout_s=_DOWNLOAD_TIMEOUT_S,
    )
    wheels = tuple(folder.glob("*.whl"))
    if answer.exit_code != 0 or len(wheels) != 1:
        stderr = answer.stderr.decode("utf-8", "replace").strip()[-500:]
        raise BundleError(
            f"the executorch {version} wheel for {machine} could not be downloaded: {stderr}",
            hint="check the network, or import a bundle made on another machine",
        )
    check_digest(wheels[0])
    return wheels[0]


def check_digest(wheel: Path) -> None:
    """Refuse a wheel that is not one of the locked ones: what is in it is compiled, linked and run.

    Raises:
        BundleError: its SHA-256 is not among those of `make lock`.
    """
    found = hash_file(wheel)
    locked_digests = WHEEL_DIGESTS.read_text(encoding="ascii").split()
    if found not in locked_digests:
        raise BundleError(
            f"{wheel.name} has the SHA-256 {found}, which is none of the {len(locked_digests)} in"
            f" {WHEEL_DIGESTS.name}: {', '.join(digest[:12] for digest in locked_digests)}",
            hint="the package index served another file than the published one: check pip's configuration",
        )


def _unpack(wheel: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            needed = [name for name in archive.namelist() if name.startswith(_NEEDED)]
            archive.extractall(folder, needed)
    except zipfile.BadZipFile as error:
        raise BundleError(f"{wheel.name} cannot be unpacked: {error}") from error
