"""The `harness` command, whose lab keeps several simulated devices in a process.

At its end a line on standard error has the seconds of CPU time and the peak memory.
"""

import atexit
import resource
import sys
import time
from functools import partial

from simulated_lab import SharedWorkers

import harness.lab.workplace
from harness.cli.main import main
from harness.lab.measuring import measure_in_lab

STARTED = time.monotonic()


def report() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s, wall_s = used.ru_utime + used.ru_stime, time.monotonic() - STARTED
    line = f"driver: {wall_s:.1f} s, {cpu_s:.1f} s of CPU, {used.ru_maxrss / 1e3:.0f} MB"
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    atexit.register(report)
    size = int(sys.argv.pop(1))
    harness.lab.workplace.measure_in_lab = partial(  # type: ignore[attr-defined]
        measure_in_lab, start_worker=SharedWorkers(size).start
    )
    main()
