"""Checks of this machine: what building, emulating and reaching devices need."""

import importlib.metadata
import platform
import re
import shutil
from collections.abc import Iterator

from harness.devices.device_kind import Level, Program
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import BundleError
from harness.measuring.doctor.diagnosis import Diagnosis
from harness.runner.bundle import ABIS
from harness.runner.bundle.build import bundle_folder
from harness.runner.bundle.toolchain import find_toolchain
from harness.system.paths import cache_folder

SUBJECT = "this machine"
DISTRIBUTION = "mobilenet-harness"
PINNED = ("torch", "executorch")
# Wheels, bundles, the ARM machine and a few dozen variants.
CACHE_BYTES = 2 * 2**30


def examine_host(target: Target | None) -> tuple[Diagnosis, ...]:
    """Check what every device needs; a program that the named one lacks makes it unfit."""
    programs = dict.fromkeys(program for kind in KINDS.values() for program in kind.programs)
    return (*_versions(), *_runners(), *(_program(program, target) for program in programs), _disk())


def _versions() -> Iterator[Diagnosis]:
    yield _found("python", platform.python_version())
    required = "\n".join(importlib.metadata.requires(DISTRIBUTION) or ())
    for name in PINNED:
        installed = importlib.metadata.version(name).partition("+")[0]
        pin = re.search(rf"^{name}==([0-9.]+)", required, re.MULTILINE)
        if pin and pin[1] != installed:
            fix = f"pip install {name}=={pin[1]}"
            yield Diagnosis(SUBJECT, name, "unfit", f"{installed} instead of {pin[1]}", fix)
        else:
            yield _found(name, installed)


def _runners() -> Iterator[Diagnosis]:
    """The runner for each ABI is built, or can be."""
    for abi in ABIS:
        what = f"runner for {abi}"
        if bundle_folder(abi).is_dir():
            yield _found(what, "built")
            continue
        try:
            yield _found(what, f"not built yet; {find_toolchain(abi).compiler} will build it")
        except BundleError as error:
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


def _found(what: str, detail: str) -> Diagnosis:
    return Diagnosis(SUBJECT, what, "ok", detail)
