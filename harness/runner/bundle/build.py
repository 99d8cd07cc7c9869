"""Build a bundle when the cache has none."""

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from harness.errors import BundleError
from harness.records import Abi
from harness.runner.bundle.contents import (
    EXECUTORCH_LIBRARIES,
    RUNNER,
    SUMS,
    Bundle,
    file_mode,
    read_bundle,
    write_sums,
)
from harness.runner.bundle.toolchain import PACKAGES, find_toolchain
from harness.runner.bundle.wheel import executorch_version, find_executorch
from harness.system.entry_lock import locked
from harness.system.files import hash_file, write_atomically
from harness.system.folders import install_folder, scratch_folder
from harness.system.paths import DEVICE_SCRIPTS, cache_folder

_RUNNER = DEVICE_SCRIPTS / "runner"
# Increase it when a change in this file changes what is built from the same sources.
_RECIPE = "1"


def ensure_bundle(abi: Abi) -> Bundle:
    """The bundle for an ABI: from the cache, or built now (half a minute); a damaged one is rebuilt.

    Raises:
        BundleError: a compiler is missing, the build failed, or the download of another platform's
            wheel did.
    """
    return ensure_placed(bundle_folder(abi), abi, partial(_build, abi, {}))


def find_placed(abi: Abi) -> Bundle | None:
    """The bundle for an ABI if the cache has it, undamaged."""
    folder = bundle_folder(abi)
    with locked(folder), suppress(BundleError):
        return read_placed(folder, abi)
    return None


def ensure_bench_bundle(abi: Abi, *, slow_down_operations: int, slow_down_from_second: int = 0) -> Bundle:
    """A bundle whose runner does this many extra operations per inference, to test the harness itself.

    In a sustained run it does them from the given second on.
    Its reports name a `Bench` build, which makes cells invalid. Raises as `ensure_bundle` does.
    """
    ordinary = bundle_folder(abi)
    folder = ordinary.with_name(f"bench-{ordinary.name}")
    bundle = ensure_placed(folder, abi, partial(_build, abi, {"RUNNER_BENCH": "ON"}))
    options = ["--slow-down-operations", str(slow_down_operations)]
    if slow_down_from_second:
        options += ["--slow-down-from-second", str(slow_down_from_second)]
    return replace(bundle, runner_options=tuple(options))


def ensure_placed(
    folder: Path,
    abi: Abi,
    make: Callable[[Path, Path], None],
    libraries: Sequence[str] = EXECUTORCH_LIBRARIES,
) -> Bundle:
    """The bundle at its place in the cache; where it is missing or damaged, `make` fills a new folder.

    `make` gets that folder and one for what is needed on the way; `libraries` are those of the runtime.

    Raises:
        BundleError: it cannot be made.
    """
    with locked(folder):
        with suppress(BundleError):
            return read_placed(folder, abi, libraries)
        with scratch_folder(folder.parent) as scratch:
            built = scratch / "bundle"
            make(built, scratch / "build")
            place_bundle(built, folder)
        return read_bundle(folder, abi, libraries)


def place_bundle(made: Path, folder: Path) -> None:
    """Move a bundle to its place in the cache, whose lock the caller holds, and record which one it is."""
    write_atomically(_record_of(folder), hash_file(made / SUMS))
    install_folder(made, folder)


def read_placed(folder: Path, abi: Abi, libraries: Sequence[str] = EXECUTORCH_LIBRARIES) -> Bundle:
    """The bundle that was placed there; raises BundleError for any other, such as one with a slower runner.

    A bundle of an earlier version of the harness has no record beside it: its content alone is checked.
    """
    if folder.is_symlink():
        raise BundleError(f"{folder} is a symbolic link")
    bundle, record = read_bundle(folder, abi, libraries), _record_of(folder)
    if record.exists() and record.read_bytes() != bundle.sha256.encode():
        raise BundleError(f"the bundle in {folder} is not the one that was placed there")
    return bundle


def _record_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.sha256")


def bundle_folder(abi: Abi) -> Path:
    """The bundle's folder in the cache, for the current sources and ExecuTorch version."""
    return cache_folder() / "bundles" / f"{abi}-{bundle_key()[:16]}"


@cache
def bundle_key() -> str:
    """A digest of all that decides a bundle except the compiler: sources, scripts, ExecuTorch, recipe.

    Without the compiler in it, a host that has none can use an imported bundle.
    """
    return digest_of(executorch_version(), sources_sha256())


def digest_of(*parts: str) -> str:
    """A digest of what decides a bundle: these parts, the scripts and the recipe."""
    return _digest(_RECIPE, *parts, *(_content(path) for path in _scripts()))


def sources_sha256(*folders: str) -> str:
    """A digest of a runtime's runner's sources; reports carry its first 12 digits as `runner_version`.

    The `folders` below `runtimes` are those of the runtime; without any, ExecuTorch's.
    """
    own = [
        path for folder in folders or ("executorch",) for path in (_RUNNER / "runtimes" / folder).glob("*.*")
    ]
    sources = sorted([*_RUNNER.glob("*.*"), *own])
    return _digest(*(f"{path.relative_to(_RUNNER)}\0{_content(path)}" for path in sources))


def _scripts() -> tuple[Path, ...]:
    return tuple(sorted(DEVICE_SCRIPTS.glob("*.sh")))


def _content(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _digest(*parts: str) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part.encode()).digest())
    return whole.hexdigest()


def _build(abi: Abi, definitions: Mapping[str, str], bundle: Path, scratch: Path) -> None:
    executorch = find_executorch(abi)
    needed = {
        "RUNNER_VERSION": sources_sha256()[:12],
        "executorch_DIR": f"{PACKAGES}/lib/cmake/executorch",
        **definitions,
    }
    libraries = {name: executorch / "lib" / name for name in EXECUTORCH_LIBRARIES}
    assemble(abi, bundle, scratch, executorch, needed, libraries)


def assemble(
    abi: Abi,
    bundle: Path,
    scratch: Path,
    packages: Path,
    definitions: Mapping[str, str],
    libraries: Mapping[str, Path],
    *further: str,
) -> None:
    """Build the runner against what lies in `packages`, and put it into a new folder with all that it needs.

    That is the runtime's `libraries` by the names that the loader asks for, glibc with `further` libraries
    of it, and the scripts.

    Raises:
        BundleError: a compiler is missing, or the build failed.
    """
    toolchain = find_toolchain(abi)
    toolchain.build(_RUNNER, scratch, packages, definitions)
    toolchain.strip(scratch / RUNNER)
    bundle.mkdir(mode=0o755)
    for source in (scratch / RUNNER, *_scripts()):
        shutil.copyfile(source, bundle / source.name)
    for name, source in (*libraries.items(), *toolchain.runtime_files(*further)):
        shutil.copyfile(source, bundle / name)
    write_sums(bundle)
    for path in bundle.iterdir():
        path.chmod(file_mode(path.name))
