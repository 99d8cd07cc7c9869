"""Bundles of the runtimes beside ExecuTorch: the same runner on another library, from its own wheel."""

import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from harness.analysis.runtimes import find_runtime
from harness.errors import BundleError
from harness.records import EXECUTORCH, Abi, RuntimeName
from harness.runner.bundle.build import assemble, digest_of, ensure_placed, sources_sha256
from harness.runner.bundle.contents import LIBRT, Bundle
from harness.runner.bundle.installed import ensure_bundle
from harness.runner.bundle.toolchain import PACKAGES
from harness.runner.bundle.wheel import MACHINES, ensure_unpacked
from harness.system.paths import cache_folder

# The library is the same in the wheels for all versions of Python: those of one are used.
PYTHON = "3.11"


@dataclass(frozen=True)
class RuntimeLibrary:
    """Where a runtime's library lies in its wheel, by which name it is loaded, and the wheels' SHA-256.

    The version is that of `harness.analysis.runtimes`; `further` are libraries of glibc that it needs.
    """

    distribution: str
    member: str
    loaded_as: str
    wheels_sha256: dict[Abi, str]
    further: tuple[str, ...] = ()


LIBRARIES: dict[RuntimeName, RuntimeLibrary] = {
    "litert": RuntimeLibrary(
        "ai-edge-litert",
        "ai_edge_litert/libLiteRt.so",
        "libLiteRt.so",
        {
            "arm64-v8a": "853fc608f96da87bd5f3458465dfb9abbf18d5ae6b94eceacead407146f175ae",
            "x86_64": "1f15078a6725d2357d9de9221664c29afa0545d807559c5f7199ce5e40b96b23",
        },
    ),
    "onnxruntime": RuntimeLibrary(
        "onnxruntime",
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
    library, version = LIBRARIES[runtime], find_runtime(runtime).library_version
    sources = sources_sha256(runtime, "others")
    key = digest_of(library.wheels_sha256[abi], sources)
    definitions = {"RUNNER_VERSION": sources[:12], "RUNTIME": runtime, "RUNTIME_VERSION": version}

    def make(bundle: Path, scratch: Path) -> None:
        file = _find_library(library, version, abi)
        settings = {**definitions, "RUNTIME_LIBRARY": f"{PACKAGES}/{file.name}"}
        assemble(abi, bundle, scratch, file.parent, settings, {file.name: file}, *library.further)

    folder = cache_folder() / "bundles" / f"{abi}-{runtime}-{key[:16]}"
    return ensure_placed(folder, abi, make, (library.loaded_as,))


def _find_library(library: RuntimeLibrary, version: str, abi: Abi) -> Path:
    """The library of its wheel, in a folder without anything else."""

    def unpack(wheel: Path, folder: Path) -> None:
        try:
            with (
                zipfile.ZipFile(wheel) as archive,
                archive.open(library.member) as source,
                (folder / library.loaded_as).open("wb") as target,
            ):
                shutil.copyfileobj(source, target)
        except (zipfile.BadZipFile, KeyError) as error:
            raise BundleError(f"{wheel.name} cannot be unpacked: {error}") from error

    name = f"{library.distribution}-{version}-{MACHINES[abi]}"
    requirement = f"{library.distribution}=={version}"
    digests = (library.wheels_sha256[abi],)
    return ensure_unpacked(name, requirement, abi, PYTHON, digests, unpack) / library.loaded_as
