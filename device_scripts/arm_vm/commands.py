"""Running the programs that build the machine, with readable errors."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

TIMEOUT_S = 900
# mke2fs and debugfs are in /usr/sbin, which is not on an ordinary user's PATH in Debian.
PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
DEBIAN_PACKAGES = {
    "apt-get": "apt",
    "dpkg": "dpkg",
    "dpkg-deb": "dpkg",
    "dpkg-source": "dpkg-dev",
    "tar": "tar",
    "clang++": "clang",
    "aarch64-linux-gnu-ld": "binutils-aarch64-linux-gnu",
    "mke2fs": "e2fsprogs",
    "debugfs": "e2fsprogs",
    "ssh-keygen": "openssh-client",
    "adb": "adb",
    "make": "make",
    "gcc": "gcc",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
}


class BuildFailed(Exception):
    """One readable block: what happened, and a hint."""


def require_programs(names: Sequence[str]) -> None:
    """Raise `BuildFailed` naming the packages of all programs that are missing."""
    missing = sorted(name for name in names if shutil.which(name, path=PATH) is None)
    if missing:
        packages = " ".join(sorted({DEBIAN_PACKAGES[name] for name in missing}))
        raise BuildFailed(f"missing: {', '.join(missing)}\n  hint: apt-get install {packages}")


def run(*argv: str | Path, cwd: Path | None = None) -> str:
    """Run a program to its end and return its standard output; its errors are shown only if it fails."""
    try:
        done = subprocess.run(
            [str(word) for word in argv],
            cwd=cwd,
            env={**os.environ, "PATH": PATH, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BuildFailed(f"{argv[0]} did not end within {TIMEOUT_S} s") from error
    if done.returncode != 0:
        raise BuildFailed(
            f"{_shown(argv)} ended with exit code {done.returncode}:\n{_tail(done.stdout + done.stderr)}"
        )
    return done.stdout


def _shown(argv: Sequence[str | Path]) -> str:
    text = " ".join(str(word) for word in argv)
    return text if len(text) < 300 else text[:300] + " ..."


def _tail(text: str, lines: int = 25) -> str:
    return "\n".join("  " + line for line in text.strip().splitlines()[-lines:])
