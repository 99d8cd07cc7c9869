"""Checks of this machine: what building, emulating and reaching devices need."""

import platform
import shutil
from collections.abc import Iterator

from harness.devices.device_kind import Level, Program
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import HarnessError
from harness.measuring.doctor.diagnosis import Diagnosis
from harness.runner.bundle import ABIS
from harness.runner.bundle.build import bundle_folder
from harness.runner.bundle.installed import DISTRIBUTION, find_packed
from harness.runner.bundle.toolchain import find_toolchain
from harness.system.extras import installed_version, pinned_version
from harness.system.folders import folder_bytes
from harness.system.paths import APPLICATION, cache_folder

SUBJECT = "this machine"
PINNED = ("torch", "executorch")
# Wheels, bundles, the ARM machine and a few dozen variants.
CACHE_BYTES = 2 * 2**30
# Of the cache's folders, the largest are listed, if they are worth deleting.
LISTED_PARTS, LISTED_BYTES = 5, 50_000_000


def examine_host(target: Target | None) -> tuple[Diagnosis, ...]:
    """Check what every device needs; a program that the named one lacks makes it unfit."""
    programs = dict.fromkeys(program for kind in KINDS.values() for program in kind.programs)
    return (
        *_versions(),
        *_runners(),
        *(_program(program, target) for program in programs),
        _disk(),
        _cache(),
    )


def _versions() -> Iterator[Diagnosis]:
    yield _found("python", platform.python_version())
    for name in PINNED:
        pin, installed = pinned_version(name), installed_version(name)
        if installed is None:
            fix = f"pip install '{APPLICATION}[lower]'"
            yield Diagnosis(SUBJECT, name, "advice", "not installed; lowering and evaluating need it", fix)
        elif pin not in (None, installed.partition("+")[0]):
            yield Diagnosis(
                SUBJECT, name, "unfit", f"{installed} instead of {pin}", f"pip install {name}=={pin}"
            )
        else:
            yield _found(name, installed.partition("+")[0])


def _runners() -> Iterator[Diagnosis]:
    """The runner for each ABI is built or installed, or can be built."""
    for abi in ABIS:
        what = f"runner for {abi}"
        if bundle_folder(abi).is_dir():
            yield _found(what, "built")
            continue
        try:
            if find_packed():
                yield _found(what, f"in the package {DISTRIBUTION}")
            else:
                yield _found(what, f"not built yet; {find_toolchain(abi).compiler} will build it")
        except HarnessError as error:
            fix = f"{error.hint}; or import one that was built elsewhere: harness bundle import FILE"
            yield Diagnosis(SUBJECT, what, "unfit", error.what, fix)


def _program(program: Program, target: Target | None) -> Diagnosis:
    path = program.path()
    if path:
        return _found(program.name, path)
    level: Level = "unfit" if target and _needs(target, program) else "advice"
    detail = f"not installed; {program.needed_by} it"
    return Diagnosis(SUBJECT, program.name, level, detail, f"sudo apt-get install {program.package}")


def _needs(target: Target, program: Program) -> bool:
    over = program.transports
    return program in KINDS[target.kind].programs and (not over or target.transport in over)


def _disk() -> Diagnosis:
    folder = cache_folder()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{free / 1e9:.1f} GB free below {folder}"
    if free >= CACHE_BYTES:
        return _found("disk", detail)
    fix = f"free {CACHE_BYTES / 1e9:.0f} GB, or use another disk: export HARNESS_CACHE=/path/with/room"
    return Diagnosis(SUBJECT, "disk", "unfit", detail, fix)


def _cache() -> Diagnosis:
    """Nothing is removed from the cache by itself: programs and packed images are found again for months."""
    folder = cache_folder()
    parts = sorted(folder.iterdir()) if folder.is_dir() else []
    sizes = sorted(((folder_bytes(part), part.name) for part in parts), reverse=True)
    largest = ", ".join(
        f"{name} {size / 1e9:.1f}" for size, name in sizes[:LISTED_PARTS] if size >= LISTED_BYTES
    )
    detail = f"{sum(size for size, _ in sizes) / 1e9:.1f} GB in {folder}, which can be deleted between runs"
    return _found("cache", f"{detail}{largest and f' (in GB: {largest})'}")


def _found(what: str, detail: str) -> Diagnosis:
    return Diagnosis(SUBJECT, what, "ok", detail)
