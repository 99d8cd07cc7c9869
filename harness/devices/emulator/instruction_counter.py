"""The QEMU plugin that counts guest instructions, compiled for the QEMU that loads it."""

import shutil
from pathlib import Path

from harness.devices.emulator.qemu import qemu_version
from harness.errors import BundleError
from harness.system.entry_lock import locked
from harness.system.files import atomic_file, hash_file
from harness.system.paths import DEVICE_SCRIPTS, cache_folder
from harness.system.processes import run_local

_SOURCE = DEVICE_SCRIPTS / "instruction_counter" / "instruction_counter.c"
_TIMEOUT_S = 60


def ensure_instruction_counter() -> Path:
    """The compiled plugin, for `-plugin PATH,out=FILE` of the QEMU that `ensure_qemu` names.

    Raises:
        BundleError: QEMU or a C compiler is missing, or the plugin does not compile.
    """
    version = plugin_api_version(qemu_version())
    key = hash_file(_SOURCE)[:16]
    plugin = cache_folder() / "instruction_counter" / f"api{version}-{key}" / "instruction_counter.so"
    with locked(plugin):
        if not plugin.is_file():
            with atomic_file(plugin) as temporary:
                _compile(version, temporary)
    return plugin


def plugin_api_version(qemu_version: str) -> int:
    """The plugin interface to ask a QEMU of this version for.

    QEMU 9.0 removed what only version 1 had and refuses plugins that ask for it; later ones still accept 2.
    """
    return 1 if int(qemu_version.partition(".")[0]) < 9 else 2


def _compile(api_version: int, plugin: Path) -> None:
    compiler = next((name for name in ("gcc", "cc", "clang") if shutil.which(name)), None)
    if compiler is None:
        raise BundleError("the instruction counter needs a C compiler", hint="sudo apt-get install gcc")
    flags = ("-std=c11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-fvisibility=hidden")
    answer = run_local(
        [compiler, *flags, f"-DQEMU_PLUGIN_API_VERSION={api_version}", str(_SOURCE), "-o", str(plugin)],
        timeout_s=_TIMEOUT_S,
    )
    if answer.exit_code != 0:
        errors = answer.stderr.decode("utf-8", "replace").strip()[-1000:]
        raise BundleError(f"the instruction counter does not compile:\n{errors}")
