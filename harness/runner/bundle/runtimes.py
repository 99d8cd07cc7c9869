"""Bundles of the runtimes beside ExecuTorch: the same runner on another library, from its own wheel."""

import shutil
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import BundleError
from harness.records import EXECUTORCH, Abi, RuntimeName
from harness.runner.bundle.build import assemble, digest_of, place_bundle, sources_sha256
from harness.runner.bundle.contents import LIBRT, Bundle, read_bundle
from harness.runner.bundle.installed import ensure_bundle
from harness.runner.bundle.toolchain import PACKAGES
from harness.runner.bundle.wheel import MACHINES, download_wheel, install_unpacked, is_intact
from harness.system.entry_lock import locked
from harness.system.files import hash_file
from harness.system.folders import scratch_folder
from harness.system.paths import cache_folder

# The library is the same in the wheels for all versions of Python: those of one are used.
PYTHON = "3.11"


@dataclass(frozen=True)
class RuntimeLibrary:
    """Where a runtime's library lies in its wheel, by which name it is loaded, and the wheels' SHA-256."""

    distribution: str
    version: str
    member: str
    loaded_as: str
    wheels_sha256: dict[Abi, str]
    further: tuple[str, ...] = ()


LIBRARIES: dict[RuntimeName, RuntimeLibrary] = {
    "litert": RuntimeLibrary(
        "ai-edge-litert",
        "2.3.0",
        "ai_edge_litert/libLiteRt.so",
        "libLiteRt.so",
        {
            "arm64-v8a": "853fc608f96da87bd5f3458465dfb9abbf18d5ae6b94eceacead407146f175ae",
            "x86_64": "1f15078a6725d2357d9de9221664c29afa0545d807559c5f7199ce5e40b96b23",
        },
    ),
    "onnxruntime": RuntimeLibrary(
        "onnxruntime",
        "1.32.0",
        "onnxruntime/capi/libonnxruntime.so.1.32.0",
        "libonnxruntime.so.1",
        {
            "arm64-v8a": "2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c",
            "x86_64": "5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d",
        },
        further=(LIBRT,),
    ),
}


def ensure_runtime_bundle(abi: Abi, runtime: RuntimeName) -> Bundle:
    """The bundle of a runtime for an ABI: from the cache, or built now.

    Raises:
        BundleError: the download of the wheel or the build failed, or a compiler is missing.
    """
    if runtime == EXECUTORCH:
        return ensure_bundle(abi)
    library = LIBRARIES[runtime]
    sources = sources_sha256(runtime, "others")
    key = digest_of(library.wheels_sha256[abi], sources)
    folder = cache_folder() / "bundles" / f"{abi}-{runtime}-{key[:16]}"
    with locked(folder):
        with suppress(BundleError):
            return read_bundle(folder, abi, (library.loaded_as,))
        with scratch_folder(folder.parent) as scratch:
            lib = _find_library(library, abi)
            definitions = {
                "RUNNER_VERSION": sources[:12],
                "RUNTIME": runtime,
                "RUNTIME_VERSION": library.version,
                "RUNTIME_LIBRARY": f"{PACKAGES}/{lib.name}",
            }
            built = scratch / "bundle"
            assemble(
                abi,
                built,
                scratch / "build",
                lib.parent,
                definitions,
                {library.loaded_as: lib},
                *library.further,
            )
            place_bundle(built, folder)
        return read_bundle(folder, abi, (library.loaded_as,))


def _find_library(library: RuntimeLibrary, abi: Abi) -> Path:
    """The library, in a folder of its own in the cache; its wheel is downloaded once."""
    name = f"{library.distribution}-{library.version}-{MACHINES[abi]}"
    folder, expected = cache_folder() / "wheels" / name, library.wheels_sha256[abi]
    with locked(folder):
        if not is_intact(folder, (expected,)):
            with scratch_folder(folder.parent) as scratch:
                requirement = f"{library.distribution}=={library.version}"
                wheel = download_wheel(requirement, MACHINES[abi], PYTHON, scratch)
                check_one_digest(wheel, expected)
                unpacked = scratch / "unpacked"
                unpacked.mkdir()
                _unpack(wheel, library.member, unpacked / library.loaded_as)
                install_unpacked(unpacked, folder, wheel_digest=expected)
    return folder / library.loaded_as


def check_one_digest(wheel: Path, expected: str) -> None:
    """Refuse a wheel that is not the published one: what is in it is linked and run.

    Raises:
        BundleError: it has another SHA-256.
    """
    if (found := hash_file(wheel)) != expected:
        raise BundleError(
            f"{wheel.name} has the SHA-256 {found}, not {expected}",
            hint="the package index served another file than the published one: check pip's configuration",
        )


def _unpack(wheel: Path, member: str, path: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target)
    except (zipfile.BadZipFile, KeyError) as error:
        raise BundleError(f"{wheel.name} cannot be unpacked: {error}") from error
