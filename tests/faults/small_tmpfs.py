"""A real file system of limited size: a tmpfs, in a mount namespace that ends with the command.

`try_full` starts this file again inside the namespace. There it fills the tmpfs from a template, runs the
command, gives the tmpfs more room, and runs the command once more.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from full_disk import Ended, damaged_files, places

PLENTY_MB = 4096
_TIMEOUT_S = 600
_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")


@dataclass(frozen=True)
class Tried:
    """A command that met a full tmpfs, and again with room.

    `used_kb` are those before and after the first; `damaged` are the files that were cut then or afterwards,
    `lost` the cells that were there after the first and not after the second.
    """

    first: Ended
    again: Ended
    used_kb: tuple[int, int]
    damaged: list[str]
    lost: list[str]

    def wrong(self) -> list[str]:
        """What must not be."""
        failed = [f"the second try failed:\n{self.again.stderr}"] if self.again.exit_code else []
        return [*self.first.wrong(), *self.damaged, *(f"lost: {cell}" for cell in self.lost), *failed]


def can_mount() -> bool:
    """Whether this user may make a mount namespace and a tmpfs in it."""
    argv = [*_NAMESPACE, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/mnt"]
    try:
        return subprocess.run(argv, capture_output=True, timeout=60, check=False).returncode == 0
    except FileNotFoundError:
        return False


def try_full(mounted: Path, template: Path, argv: Sequence[str], *, room_kb: int | None) -> Tried:
    """Run `harness` on a tmpfs at `mounted` that holds the template and `room_kb` more; None is plenty.

    Raises:
        RuntimeError: the tmpfs could not be made.
    """
    mounted.mkdir(exist_ok=True)
    room = "" if room_kb is None else str(room_kb)
    ended = subprocess.run(
        [*_NAMESPACE, sys.executable, __file__, str(mounted), str(template), room, *argv],
        capture_output=True,
        text=True,
        timeout=3 * _TIMEOUT_S,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(ended.stderr)
    found = json.loads(ended.stdout)
    first, again = Ended(**found.pop("first")), Ended(**found.pop("again"))
    return Tried(first, again, tuple(found.pop("used_kb")), **found)


def main() -> None:
    """Runs inside the namespace; prints a `Tried` as JSON."""
    mounted, template, room_kb, *argv = sys.argv[1:]
    root = Path(mounted)
    _mount(root, f"size={PLENTY_MB}m")
    subprocess.run(["cp", "-a", f"{template}/.", mounted], check=True)
    before = _used_kb(root)
    if room_kb:
        _mount(root, f"remount,size={before + int(room_kb)}k")
    first = _run(root, argv)
    after, damaged, cells = _used_kb(root), damaged_files(root), _cells(root)
    _mount(root, f"remount,size={PLENTY_MB}m")
    resumable = argv[0] == "run" and (root / "run" / "run.json").exists()
    again = _run(root, ["run", "--resume", "run"] if resumable else argv)
    damaged += damaged_files(root)
    tried = Tried(first, again, (before, after), damaged, sorted(cells - _cells(root)))
    print(json.dumps(asdict(tried)))


def _mount(root: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(root)], check=True)


def _used_kb(root: Path) -> int:
    space = os.statvfs(root)
    return (space.f_blocks - space.f_bfree) * space.f_frsize // 1024


def _cells(root: Path) -> set[str]:
    return {path.name for path in (root / "run").glob("cells/*.json")}


def _run(root: Path, argv: Sequence[str]) -> Ended:
    ended = subprocess.run(
        [sys.executable, "-m", "harness", *argv],
        cwd=root,
        env={**os.environ, "NO_COLOR": "1", **places(root)},
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        timeout=_TIMEOUT_S,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr, 0)


if __name__ == "__main__":
    main()
