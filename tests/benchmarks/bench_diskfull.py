"""Each command on a disk that is full from its 1st, 2nd, ... last write on, and then once more with room.

Run `python tests/benchmarks/bench_diskfull.py [--step 1] [--once]`; with `--once`, one write alone fails.
With `--tmpfs 12`, the disk is a tmpfs, in turn of 12 sizes from no room to nearly all that is needed.
Exit code 1 when a command ended with a traceback, cut a file, lost a cell, or did not succeed afterwards.
"""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

from full_disk import Disk, compile_library, damaged_files
from small_tmpfs import try_full

from harness.runner.bundle.build import ensure_bundle
from harness.runner.bundle.contents import ABIS

_SWEEP = ("--width", "0.25", "--resolution", "32", "--precision", "fp32,int8")
_PLAN = ("--processes", "1", "--warmup", "1", "--iterations", "3", "--min-time", "0.1", "--max-time", "1")
_RUN = ("run", "--device", "host", *_SWEEP, *_PLAN, "--out", "run")
_COMMANDS = {
    "run": _RUN,
    "report": ("report", "run"),
    "lower": ("lower", *_SWEEP, "--out", "programs"),
    "bundle export": ("bundle", "export", "bundles.tar.gz"),
}
_NEEDS_A_RUN = ("report",)
_BAD = ("wrong ends", "damaged files", "cells lost", "second tries failed")


def main() -> int:
    """Print a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--step", type=int, default=1, help="try only each STEP-th write")
    parser.add_argument("--first", type=int, default=1, help="begin with the FIRST-th write")
    parser.add_argument("--tmpfs", type=int, metavar="SIZES", help="a tmpfs of this many sizes")
    parser.add_argument("--once", action="store_true", help="later writes succeed again")
    parser.add_argument("commands", nargs="*", default=list(_COMMANDS))
    options = parser.parse_args()
    totals: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        disk = Disk(Path(name) / "disk", compile_library(Path(name)))
        template = Path(name) / "template"
        _prepare(disk, template)
        for command in options.commands:
            if options.tmpfs:
                found = _fill_tmpfs(disk, template, command, options.tmpfs)
            else:
                found = _fill(disk, template, command, options)
            totals += found
            print(f"{command}: {dict(found)}", flush=True)
    return 1 if any(totals[what] for what in _BAD) else 0


def _prepare(disk: Disk, template: Path) -> None:
    """A disk with a finished run, and with the bundles and programs that a second run would find."""
    for name in ("tmp", "home", "cache"):
        (disk.root / name).mkdir(parents=True)
    for abi in ABIS:
        bundle = ensure_bundle(abi).folder
        shutil.copytree(bundle, disk.root / "cache" / "bundles" / bundle.name)
    ended = disk.run(_RUN)
    if ended.exit_code:
        raise RuntimeError(ended.stderr)
    disk.root.rename(template)


def _restore(disk: Disk, template: Path, command: str) -> None:
    shutil.rmtree(disk.root, ignore_errors=True)
    shutil.copytree(template, disk.root, symlinks=True)
    if command in _NEEDS_A_RUN:
        # Another report in its place would need no more room.
        shutil.rmtree(disk.root / "run" / "report")
    else:
        shutil.rmtree(disk.root / "run")
    if command == "lower":
        shutil.rmtree(disk.root / "cache" / "artifacts")


def _fill(disk: Disk, template: Path, command: str, options: argparse.Namespace) -> Counter[str]:
    argv = _COMMANDS[command]
    _restore(disk, template, command)
    writes = disk.run(argv).writes
    found = Counter({"writes": writes, "tried": 0, **dict.fromkeys(_BAD, 0)})
    for fails_at in range(options.first, writes + 1, options.step):
        _restore(disk, template, command)
        ended = disk.run(argv, fails_at=fails_at, once=options.once)
        cells = _cells(disk)
        wrong, damaged = ended.wrong(), damaged_files(disk.root)
        resumable = command == "run" and (disk.root / "run" / "run.json").exists()
        again = disk.run(("run", "--resume", "run") if resumable else argv)
        lost = cells - _cells(disk)
        failed = again.exit_code != 0 or bool(damaged_files(disk.root))
        found.update(tried=1)
        for what, happened in zip(_BAD, (wrong, damaged, lost, failed), strict=True):
            found[what] += bool(happened)
        if wrong or damaged or lost or failed:
            print(
                f"{command}, write {fails_at}: {wrong} {damaged} {lost}\n{ended.stderr}\n{again.stderr}",
                flush=True,
            )
    return found


def _fill_tmpfs(disk: Disk, template: Path, command: str, sizes: int) -> Counter[str]:
    argv = _COMMANDS[command]
    _restore(disk, template, command)
    start = disk.root.rename(disk.root.with_name("start"))
    try:
        before, after = try_full(disk.root, start, argv, room_kb=None).used_kb
        found = Counter({"kB": after - before, "tried": 0, "failed": 0, **dict.fromkeys(_BAD, 0)})
        for number in range(sizes):
            room_kb = max(1, (after - before) * number // sizes)
            tried = try_full(disk.root, start, argv, room_kb=room_kb)
            found.update(tried=1, failed=tried.first.exit_code != 0)
            bad = (tried.first.wrong(), tried.damaged, tried.lost, tried.again.exit_code != 0)
            for what, happened in zip(_BAD, bad, strict=True):
                found[what] += bool(happened)
            if any(bad):
                print(
                    f"{command}, {room_kb} kB: {tried.wrong()}\n{tried.first.stderr}\n{tried.again.stderr}",
                    flush=True,
                )
    finally:
        shutil.rmtree(start)
    return found


def _cells(disk: Disk) -> set[str]:
    return {path.name for path in (disk.root / "run").glob("cells/*.json")}


if __name__ == "__main__":
    sys.exit(main())
