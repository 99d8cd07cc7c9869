"""A disk that is full from the N-th write on, for a real `harness` and every process that it starts.

`failing_writes.c` is compiled here and preloaded: it stands before the C library's functions that write,
make, sync or rename a file below one folder, so that Python, torch, matplotlib,
compilers and runners all meet it.
"""

import errno
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).with_name("failing_writes.c")
_EXIT_CODES = (0, 1, 2, 3, 4)


@dataclass(frozen=True)
class Disk:
    """The folder on the disk that becomes full, and the library that makes it so."""

    root: Path
    library: Path

    def run(
        self,
        argv: Sequence[str],
        *,
        fails_at: int = 0,
        once: bool = False,
        error: int = errno.ENOSPC,
        environment: Mapping[str, str] | None = None,
        timeout_s: float = 600,
    ) -> "Ended":
        """Run `harness` in the folder; `fails_at=0` counts the writes and lets each succeed."""
        counter = self.library.with_name("counter")
        counter.write_bytes(bytes(8))
        variables = {
            **os.environ,
            "NO_COLOR": "1",
            **places(self.root),
            "LD_PRELOAD": str(self.library),
            "FAILING_ROOT": str(self.root),
            "FAILING_COUNT": str(counter),
            "FAILING_AT": str(fails_at),
            "FAILING_ERRNO": str(error),
            **({"FAILING_ONCE": "1"} if once else {}),
            **(environment or {}),
        }
        ended = subprocess.run(
            [sys.executable, "-m", "harness", *argv],
            cwd=self.root,
            env=variables,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=timeout_s,
        )
        (writes,) = struct.unpack("=Q", counter.read_bytes())
        return Ended(ended.returncode, ended.stdout, ended.stderr, writes)


def places(root: Path) -> dict[str, str]:
    """Everything that a run writes lies on this disk: cache, settings, keys, temporary files."""
    folders = {
        "HARNESS_CACHE": "cache",
        "HOME": "home",
        "XDG_CACHE_HOME": "home/.cache",
        "XDG_CONFIG_HOME": "home/.config",
        "XDG_STATE_HOME": "home/.state",
        "TMPDIR": "tmp",
        "MPLCONFIGDIR": "home/mpl",
    }
    return {name: str(root / folder) for name, folder in folders.items()}


@dataclass(frozen=True)
class Ended:
    """How a command ended, and how many writes it tried."""

    exit_code: int
    stdout: str
    stderr: str
    writes: int

    def wrong(self) -> list[str]:
        """What an error must never be: a traceback, a signal, a defect, an error without its block."""
        found = []
        if "Traceback" in self.stderr + self.stdout:
            found.append("a traceback")
        if self.exit_code not in _EXIT_CODES:
            found.append(f"exit code {self.exit_code}")
        if "the harness has a defect" in self.stderr:
            found.append("a defect")
        if self.exit_code and not re.search(r"^error: ", self.stderr, re.MULTILINE):
            found.append("no error block")
        if self.exit_code and "hint: " not in self.stderr:
            found.append("no hint")
        return found


def compile_library(folder: Path) -> Path:
    """The library, made by this machine's C compiler.

    Raises:
        RuntimeError: the compiler refused it.
    """
    library = folder / "failing_writes.so"
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise RuntimeError("no C compiler")
    argv = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", str(_SOURCE), "-o", str(library), "-ldl"]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(ended.stderr)
    return library


def damaged_files(folder: Path) -> list[str]:
    """Files under a final name, below a disk's folder, that are not whole.

    Those of the home folder are matplotlib's list of fonts, which matplotlib makes again when it is cut.
    """
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and parts[0] != "home" and not any(part.startswith(".") for part in parts):
            try:
                _check_whole(path)
            except (ValueError, OSError) as error:
                found.append(f"{path.relative_to(folder)}: {error}")
    return found


def _check_whole(path: Path) -> None:
    content = path.read_bytes()
    if path.suffix in (".json", ".ipynb"):
        json.loads(content)
    ends: Mapping[str, tuple[bytes, ...]] = {
        ".html": (b"</html>",),
        ".svg": (b"</svg>",),
        ".png": (b"IEND\xaeB`\x82",),
        ".csv": (b"\n",),
        ".md": (b"\n",),
    }
    text = content if path.suffix in (".csv", ".md") else content.rstrip(b"\n")
    if path.suffix in ends and not text.endswith(ends[path.suffix]):
        raise ValueError(f"it ends with {content[-20:]!r}")
    if path.suffix == ".pte" and (content[4:8] != b"ET12" or len(content) < 10_000):
        raise ValueError(f"no program: {len(content)} bytes")
