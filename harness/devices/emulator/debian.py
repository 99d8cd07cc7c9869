"""Cache entries that scripts of `device_scripts/arm_vm` build from Debian's packages."""

import hashlib
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import BundleError
from harness.system.child_processes import running
from harness.system.entry_lock import locked
from harness.system.paths import DEVICE_SCRIPTS, cache_folder

SCRIPTS = DEVICE_SCRIPTS / "arm_vm"


def ensure_entry(kind: str, script: str, log: Callable[[str], None], *inputs: Path) -> Path:
    """The folder that `script` builds from `inputs`, below `kind` in the cache; `log` gets lines of progress.

    Raises:
        BundleError: a program or the mirror is missing, or a step failed.
    """
    entry = cache_folder() / kind / _scripts_key()
    if not entry.is_dir():
        with locked(entry.with_name("build")):
            if not entry.is_dir():
                for abandoned in entry.parent.glob("building-*"):
                    shutil.rmtree(abandoned, ignore_errors=True)
                _run(script, entry, inputs, log)
    return entry


def _scripts_key() -> str:
    """The name of an entry: a hash of the scripts that build it, which also fix the Debian release."""
    digest = hashlib.sha256()
    for path in sorted(SCRIPTS.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            data = path.read_bytes()
            digest.update(f"{path.relative_to(SCRIPTS)} {len(data)}\n".encode() + data)
    return digest.hexdigest()[:16]


def _run(script: str, entry: Path, inputs: Sequence[Path], log: Callable[[str], None]) -> None:
    with running([sys.executable, "-B", str(SCRIPTS / script), str(entry), *map(str, inputs)]) as process:
        # Every step of the script has its own time-out.
        for line in process.stdout or ():
            log(line.decode("utf-8", "replace").rstrip())
        complaint = process.stderr.read().decode("utf-8", "replace") if process.stderr else ""
        process.wait()
    if process.returncode != 0:
        what, _, hint = complaint.strip().partition("\n  hint: ")
        raise BundleError(what, hint=hint)
