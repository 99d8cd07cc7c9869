"""What the scripts here share: each makes one folder, complete or not at all, and prints why not."""

import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from commands import BuildFailed, require_programs


def make_folder(programs: tuple[str, ...], make: Callable[..., None], inputs: int = 0) -> int:
    """Call `make(work, out, *inputs)` for the folder that the command line names; `work` holds `out`.

    `work` is removed at the end. The command line goes on with the folders of `inputs`.

    Returns:
        The exit code.
    """
    if len(sys.argv) != 2 + inputs:
        print(f"usage: {Path(sys.argv[0]).name} FOLDER{' INPUT' * inputs}", file=sys.stderr)
        return 2
    target = Path(sys.argv[1]).absolute()
    # Folders get ordinary rights independent of this user's umask; keys get their own.
    os.umask(0o022)
    # Exit through the blocks that remove an incomplete folder.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        require_programs(programs)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="building-") as work:
            out = Path(work) / "out"
            out.mkdir(mode=0o700)
            make(Path(work), out, *map(Path, sys.argv[2:]))
            # Renamed last, in one step: a folder of this name is complete.
            out.rename(target)
    except (BuildFailed, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def report(line: str) -> None:
    """Print a line of progress at once."""
    print(line, flush=True)
