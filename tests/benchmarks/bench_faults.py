"""Small sweeps of `arm-vm` through a proxy that harms the connection, and hosts killed in the middle.

Run `python tests/benchmarks/bench_faults.py [--runs 6] [--kills 3]`; those numbers take two minutes, the
defaults most of an hour. Sweeps and kills go on at the same time, each on a machine of its own. Exit code 1
when a cell was lost, a number wrong, an end unexplained, or anything left over.
"""

import argparse
import faulthandler
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

from fault_proxy import FaultProxy
from small_sweep import FOLDERS, Laboratory, open_laboratory

LONGEST_S = 600.0
# Every so many runs begin with an empty device, so that the large push is harmed as well.
EMPTY_EVERY = 4
TELL_EVERY = 20
KILLED_SWEEP = (
    *("--width", "0.25", "--resolution", "32", "--processes", "1", "--warmup", "2", "--iterations", "5"),
    *("--min-time", "0", "--max-time", "5", "--json"),
)
TAKEN_OVER = "taking the result of the process that kept running on the device"
BAD = ("unexplained ends", "cells lost", "wrong numbers", "over the time-out", "leftover processes")


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=200, help="sweeps through the proxy")
    parser.add_argument("--kills", type=int, default=50, help="hosts to kill with SIGKILL")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.runs and options.kills:
        return _side_by_side(options)
    with open_laboratory() as laboratory:
        if options.runs:
            table = harm_connections(laboratory, options.runs, options.seed)
        else:
            table = kill_hosts(laboratory, options.kills, options.seed)
    return 1 if any(table[what] for what in BAD) else 0


def _side_by_side(options: argparse.Namespace) -> int:
    """Processes of their own: what finds keys is the environment, and a stuck one is ended alone."""
    halves = (("--runs", options.runs, "--kills", 0), ("--runs", 0, "--kills", options.kills))
    argv = [sys.executable, __file__, "--seed", str(options.seed)]
    both = [subprocess.Popen([*argv, *map(str, words)]) for words in halves]
    return max(process.wait() for process in both)


def harm_connections(laboratory: Laboratory, runs: int, seed: int) -> Counter[str]:
    """Sweep by each route in turn while the proxy harms it."""
    found: Counter[str] = Counter({"runs": 0, "all cells measured": 0, "ended with a clear error": 0})
    found.update(dict.fromkeys(BAD, 0))
    struck: Counter[str] = Counter()
    for number in range(runs):
        route = tuple(FOLDERS)[number % len(FOLDERS)]
        if number // len(FOLDERS) % EMPTY_EVERY == 0:
            laboratory.empty(route)
        port = laboratory.machine.ssh_port if route == "ssh" else laboratory.machine.adb_port
        faulthandler.dump_traceback_later(2 * LONGEST_S, exit=True)
        with FaultProxy(port, seed=seed + number) as proxy:
            ended = laboratory.sweep(route, proxy.port)
        faulthandler.cancel_dump_traceback_later()
        struck += proxy.struck
        wrong = laboratory.wrong(ended.cells, route)
        found["runs"] += 1
        found["all cells measured"] += ended.complete
        found["ended with a clear error"] += not ended.complete and ended.explained
        found["unexplained ends"] += not ended.explained
        found["cells lost"] += 0 if ended.errors else ended.asked - len(ended.cells)
        found["wrong numbers"] += len(wrong)
        found["over the time-out"] += ended.seconds > LONGEST_S
        found["leftover processes"] += len(ended.orphans)
        found["longest run, s"] = max(found["longest run, s"], round(ended.seconds))
        answer = [error.what for error in ended.errors] + [c.failure.what for c in ended.cells if c.failure]
        for line in (*answer, *wrong, *ended.orphans):
            print(f"  seed {seed + number} by {route}: {line}", flush=True)
        if (number + 1) % TELL_EVERY == 0:
            print(f"  {number + 1} of {runs} sweeps: {found['all cells measured']} measured", flush=True)
    show("sweeps through the fault proxy", found)
    show("faults that struck", struck)
    return found


def kill_hosts(laboratory: Laboratory, kills: int, seed: int) -> Counter[str]:
    """Kill `harness run` at random moments, resume, and compare with a run that was left alone."""
    found: Counter[str] = Counter({"kills": 0, "resumed runs complete": 0, **dict.fromkeys(BAD, 0)})
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "devices.toml").write_text(
            '[devices.faulty]\nkind = "android"\ntransport = "adb-direct"\n'
            f'address = "127.0.0.1:{laboratory.machine.adb_port}"\n'
        )
        started = time.monotonic()
        whole, _ = _run(folder, "run", "--device", "faulty", "--out", "whole", *KILLED_SWEEP)
        expected = _figures(whole)
        seconds = time.monotonic() - started
        for number in range(kills):
            out = f"killed-{number}"
            _kill(folder, rng.uniform(0, seconds), "run", "--device", "faulty", "--out", out, *KILLED_SWEEP)
            saved = {path.name for path in (folder / out / "cells").glob("*.json")}
            begun = (folder / out / "run.json").exists()
            resumed, answer = (
                _run(folder, "run", "--resume", out, "--json")
                if begun
                else _run(folder, "run", "--device", "faulty", "--out", f"{out}-anew", *KILLED_SWEEP)
            )
            now = {path.name for path in (folder / out / "cells").glob("*.json")}
            figures = _figures(resumed)
            found["kills"] += 1
            found["resumed runs complete"] += set(figures) == set(expected)
            found["cells lost"] += len(saved - now)
            found["unexplained ends"] += set(figures) != set(expected)
            found["wrong numbers"] += sum(not _close(figures[name], expected[name]) for name in figures)
            found["reports of killed hosts taken"] += TAKEN_OVER in answer
            found["leftover processes"] += len(laboratory.orphans())
            if (number + 1) % TELL_EVERY == 0:
                print(
                    f"  {number + 1} of {kills} kills: {found['resumed runs complete']} complete", flush=True
                )
    show(f"hosts killed within {seconds:.0f} s", found)
    return found


def _run(folder: Path, *words: str) -> tuple[dict[str, Any], str]:
    """The document that a run printed, and what it told meanwhile."""
    ended = subprocess.run(
        [sys.executable, "-m", "harness", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    if ended.returncode != 0:
        print(ended.stderr, flush=True)
        return {"cells": []}, ended.stderr
    return json.loads(ended.stdout), ended.stderr


def _kill(folder: Path, after_s: float, *words: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "harness", *words],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as host:
        time.sleep(after_s)
        # The host alone, as the kernel kills it for want of memory: its children must see to themselves.
        os.kill(host.pid, signal.SIGKILL)


def _figures(document: dict[str, Any]) -> dict[str, int]:
    """Exact instructions of each measured cell, by variant."""
    return {
        f"{cell['variant']['width']}-{cell['variant']['precision']}": cell["instructions_per_inference"]
        for cell in document["cells"]
        if cell["failure"] is None
    }


def _close(figure: int, expected: int) -> bool:
    return abs(figure - expected) <= 1e-3 * expected


def show(title: str, table: Counter[str]) -> None:
    """Print a table."""
    print(f"\n{title}")
    for what, count in table.items():
        print(f"  {what:<32}{count:>6}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
