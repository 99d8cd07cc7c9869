"""What each script here is: it makes one folder, whole or not at all, and says on standard error why not."""

import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from commands import BuildFailed, require_programs


def make_folder(programs: tuple[str, ...], make: Callable[[Path, Path], None]) -> int:
    """Call `make(work, out)` for the folder that the command line names; both are below `work`, removed then.

    Returns:
        The exit code.
    """
    if len(sys.argv) != 2:
        print(f"usage: {Path(sys.argv[0]).name} FOLDER", file=sys.stderr)
        return 2
    target = Path(sys.argv[1]).absolute()
    # Folders are made with ordinary rights whatever this user's habit; keys have their own.
    os.umask(0o022)
    # Leave through the blocks that remove what is half made.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        require_programs(programs)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="building-") as work:
            out = Path(work) / "out"
            out.mkdir(mode=0o700)
            make(Path(work), out)
            # Last and at once: a folder of this name is whole.
            out.rename(target)
    except (BuildFailed, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def say(line: str) -> None:
    """Tell whoever waits."""
    print(line, flush=True)
