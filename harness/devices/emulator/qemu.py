"""The user-mode QEMU that loads our counter: this machine's, or Debian 12's if this one loads no plugins."""

import re
from collections.abc import Callable

from harness.devices.emulator.debian import ensure_entry
from harness.errors import BundleError
from harness.system.processes import MISSING_PROGRAM, UNUSABLE_PROGRAM, run_local

PROGRAM = "qemu-aarch64"
_TIMEOUT_S = 60


def ensure_qemu(log: Callable[[str], None] = lambda line: None) -> tuple[str, ...]:
    """The command that starts QEMU; `log` gets the progress of the first download, 21 MB.

    Raises:
        BundleError: QEMU is not installed, or Debian's cannot be fetched.
    """
    help_text = _run((PROGRAM,), "--help")
    if re.search(r"^-plugin\b", help_text, re.MULTILINE):
        return (PROGRAM,)
    try:
        folder = ensure_entry("qemu", "fetch_qemu.py", log)
    except BundleError as error:
        what = f"this machine's {PROGRAM} loads no plugins, and Debian 12's cannot be fetched: {error.what}"
        raise BundleError(what, hint=error.hint) from error
    loader = next((folder / "usr/lib").glob("*/ld-linux-*.so.*"))
    return (str(loader), "--library-path", str(loader.parent), str(folder / "usr/bin" / PROGRAM))


def qemu_version() -> str:
    """QEMU's version, such as `7.2.22`.

    Raises:
        BundleError: QEMU is not installed, or prints no version.
    """
    answer = _run(ensure_qemu(), "--version")
    match = re.search(r"version (\d+\.\d+(\.\d+)?)", answer)
    if not match:
        raise BundleError(f"{PROGRAM} --version prints no version: {answer.strip()[:100]!r}")
    return match[1]


def qemu_cores() -> tuple[str, ...]:
    """The names of the cores that QEMU emulates.

    Raises:
        BundleError: QEMU is not installed.
    """
    return tuple(_run(ensure_qemu(), "-cpu", "help").split())


def _run(qemu: tuple[str, ...], *arguments: str) -> str:
    answer = run_local([*qemu, *arguments], timeout_s=_TIMEOUT_S)
    # Any other code may be QEMU's own: its list of cores ends with 1.
    if answer.exit_code in (MISSING_PROGRAM, UNUSABLE_PROGRAM):
        raise BundleError(f"{PROGRAM} is not installed", hint="sudo apt-get install qemu-user")
    return answer.text
