"""How right energy is: `python tests/benchmarks/bench_energy.py`.

1. Planted power, through the script, the transport and the parsers, with the real runner on this machine:
   fake rails in a file tree, and a command that prints watts. Within 1 % of what was planted.
2. A thousand simulated windows each for independent and for correlated readings: how many of the intervals
   hold the truth. From 93 to 97 %.
3. What reading costs: the processor's time that it takes, as a share of one core: at most 0.5 %. And pairs of
   runs of this machine, with the rails read once a second and without, in random order: the median ratio of
   the latencies is within 0.5 % of 1.

Ends with exit code 1 when one of them is off its limit. Figures of a busy machine say nothing of the third.
"""

import argparse
import math
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
from bench_history import record

from harness.analysis.energy import net_watts_bounds, summarize_energy
from harness.analysis.intervals import median_interval
from harness.devices.acquire import acquire
from harness.devices.device import Device
from harness.devices.energy_sources import ENERGY_SCRIPT, FoundSensors, find_sensors
from harness.devices.inventory import resolve
from harness.errors import MeasurementError
from harness.lowering.artifact import lower_cached
from harness.measuring.plans import REAL
from harness.records import Conditions, EnergyRun, EnergySource, EnergyWindow, Variant
from harness.runner.bundle import ensure_bundle
from harness.runner.deploy import deploy_artifact, deploy_bundle
from harness.runner.energy import EnergyPlan, energy_argv, measure_energy, plan_under_load
from harness.runner.job import Job
from harness.runner.report import fetch_report

VARIANT = Variant(width=0.25, resolution_px=128, precision="int8")
IDLE_WATTS, LOAD_WATTS = 1.0, 3.0
SPREAD = 0.02
WITHIN = 0.01
COVERAGE = (0.93, 0.97)
WINDOWS = 1000
# Readings a second apart: independent, as of a chip that averages a second; and half correlated.
CORRELATIONS = (0.0, 0.5)
LATENCY_CHANGE = 0.005
METERED_SECONDS = 60
METER = """
import random, sys, time
from pathlib import Path
job, noise = Path(sys.argv[1]), random.Random(1)
while True:
    works = (job / "windows").exists() and not (job / "report.json").exists()
    watts = ({load} if works else {idle}) * (1 + noise.gauss(0, {spread}))
    print(time.time_ns(), watts, flush=True)
    time.sleep(0.2)
"""


def main() -> int:
    """Measure and simulate, print the figures beside their limits."""
    options = argparse.ArgumentParser()
    options.add_argument("--pairs", type=int, default=10, help="of runs with and without reading")
    options.add_argument("--pair-seconds", type=int, default=20, help="of each run of a pair")
    options.add_argument("--only", choices=("planted", "coverage", "latency"), help="one part")
    chosen = options.parse_args()
    met = []
    if chosen.only in (None, "coverage"):
        met += [covers(correlation) for correlation in CORRELATIONS]
    with tempfile.TemporaryDirectory() as scratch, host(Path(scratch)) as (device, root):
        bundle = deploy_bundle(device, ensure_bundle(device.info.abi), print)
        job = Job(device, bundle, f"{device.folder}/jobs/bench-energy")
        with rails(root, job):
            if chosen.only in (None, "planted"):
                met += [is_found(job, "rails"), is_found(job, "command")]
            if chosen.only in (None, "latency"):
                met.append(takes_little(root))
                met.append(costs_nothing(job, chosen.pairs, chosen.pair_seconds))
    return 0 if all(met) else 1


@contextmanager
def host(root: Path) -> Iterator[tuple[Device, Path]]:
    """This machine, locked, with the sensors of a file tree."""
    (target,) = resolve(("host",))
    with acquire(target, print) as device:
        os.environ["HARNESS_PROBE_ROOT"] = str(root)
        try:
            yield device, root
        finally:
            del os.environ["HARNESS_PROBE_ROOT"]


@contextmanager
def rails(root: Path, job: Job) -> Iterator[None]:
    """A phone's counters of energy, updated four times a second; they begin again at 0 on the way."""
    folder = root / "sys/bus/iio/devices/iio:device0"
    folder.mkdir(parents=True)
    ended, noise = threading.Event(), random.Random(1)

    def plant() -> None:
        microjoules, before = (1 << 32) - 100e6, time.clock_gettime(time.CLOCK_BOOTTIME)
        while not ended.is_set():
            now = time.clock_gettime(time.CLOCK_BOOTTIME)
            microjoules += watts_of(Path(job.folder)) * (1 + noise.gauss(0, SPREAD)) * 1e6 * (now - before)
            before, ms = now, int(now * 1000)
            energy = int(microjoules) % (1 << 32)
            (folder / "next").write_text(
                f"t={ms}\nCH3(T={ms})[S2M_VDD_CPUCL2], {energy}\nCH1(T={ms})[VSYS_PWR_MODEM], {ms}\n"
            )
            (folder / "next").replace(folder / "energy_value")
            ended.wait(0.25)

    thread = threading.Thread(target=plant)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def watts_of(job: Path) -> float:
    """More from the end of the first rest until the program has written its report."""
    works = (job / "windows").exists() and not (job / "report.json").exists()
    return LOAD_WATTS if works else IDLE_WATTS


def measured(job: Job, plan: EnergyPlan, found: FoundSensors) -> EnergyRun:
    """One run of the real program."""
    stored = lower_cached(VARIANT)
    deployed = deploy_artifact(job.device, stored, print)
    return measure_energy(job, deployed, stored.artifact, REAL, plan, found)


def is_found(job: Job, by: str) -> bool:
    """Whether the planted power comes out of an ordinary run."""
    plan = EnergyPlan()
    if by == "command":
        code = METER.format(load=LOAD_WATTS, idle=IDLE_WATTS, spread=SPREAD)
        plan = EnergyPlan(command=(sys.executable, "-c", code, job.folder))
    run = measured(job, plan, find_sensors(job.device.transport, "host"))
    figures = summarize_energy(run, seed=0)
    planted = (LOAD_WATTS - IDLE_WATTS) * run.load.seconds / run.inferences
    off = figures.net_joules.estimate / planted - 1
    print(
        f"planted {planted * 1e3:.4f} mJ, by {run.source.kind} {figures.net_joules.estimate * 1e3:.4f} mJ"
        f" ({figures.net_joules.low * 1e3:.4f} to {figures.net_joules.high * 1e3:.4f}), {off:+.2%}"
    )
    return record("energy", f"planted, by {by}: off", abs(off), at_most=WITHIN).met


def covers(correlation: float) -> bool:
    """How many intervals of simulated windows hold what was planted."""
    generator = np.random.default_rng(0)
    held = 0
    for seed in range(WINDOWS):
        low, high = net_watts_bounds(simulated(generator, correlation), seed=seed)
        held += bool(low <= LOAD_WATTS - IDLE_WATTS <= high)
    print(f"simulated, correlation {correlation:g}: {held} of {WINDOWS} intervals hold the truth")
    low, high = COVERAGE
    name = f"coverage, correlation {correlation:g}"
    return record("energy", name, held / WINDOWS, at_least=low).met and held / WINDOWS <= high


def simulated(generator: np.random.Generator, correlation: float) -> EnergyRun:
    """Windows of the ordinary length; readings of a stationary AR(1) series."""

    def window(began_s: float, seconds: float, watts: float) -> EnergyWindow:
        count = int(seconds) - 2
        values, value = np.empty(count), generator.normal()
        for index in range(count):
            values[index] = value
            value = correlation * value + generator.normal() * math.sqrt(1 - correlation**2)
        return EnergyWindow(
            began_uptime_seconds=began_s,
            seconds=seconds,
            span_seconds=(1.0,) * count,
            watts=tuple(watts + SPREAD * watts * values),
        )

    plan = EnergyPlan()
    rest = plan.idle_seconds - plan.settling_seconds
    return EnergyRun(
        started_at="",
        source=EnergySource(kind="hwmon", name="simulated", covers="nothing"),
        idle_before=window(0.0, rest, IDLE_WATTS),
        load=window(100.0, plan.load_seconds, LOAD_WATTS),
        idle_after=window(200.0, rest, IDLE_WATTS),
        inferences=1,
        threads_used=1,
        cpus_allowed="",
        conditions_before=Conditions(),
        conditions_after=Conditions(),
    )


def takes_little(root: Path) -> bool:
    """The processor's time of the script and all that it starts; a program on one core loses that at most."""
    with tempfile.TemporaryDirectory() as job:
        words = ["sh", str(ENERGY_SCRIPT), "meter", job, "rails", "1", "0", str(os.getpid())]
        reading = subprocess.Popen(words, env={**os.environ, "HARNESS_PROBE_ROOT": str(root)})
        time.sleep(METERED_SECONDS)
        reading.kill()
        _, _, used = os.wait4(reading.pid, 0)
        readings = (Path(job) / "readings").read_text().count("\nat ")
    share = (used.ru_utime + used.ru_stime) / METERED_SECONDS
    print(f"reading takes {share:.3%} of one core ({readings} readings in {METERED_SECONDS} s)")
    return record("energy", "reading, share of a core", share, at_most=LATENCY_CHANGE).met


def costs_nothing(job: Job, pairs: int, seconds: int) -> bool:
    """The latency with reading against that without, in pairs whose order is random."""
    order, ratios = random.Random(0), []
    for pair in range(pairs):
        sides = ["read", "not read"]
        order.shuffle(sides)
        latencies = {side: median_latency_ns(job, seconds, read=side == "read") for side in sides}
        ratios.append(latencies["read"] / latencies["not read"])
        print(f"pair {pair + 1} of {pairs}: {ratios[-1] - 1:+.2%}", flush=True)
    found = median_interval(ratios) if pairs > 1 else None
    ends = f" ({found.low - 1:+.2%} to {found.high - 1:+.2%})" if found else ""
    change = median(ratios) - 1
    print(f"latency with reading: {change:+.2%}{ends}")
    return record("energy", "latency, with reading: change", abs(change), at_most=LATENCY_CHANGE).met


def median_latency_ns(job: Job, seconds: int, *, read: bool) -> float:
    """Of the seconds of one run, their medians' median."""
    energy = EnergyPlan(load_seconds=seconds, idle_seconds=1.0)
    stored = lower_cached(VARIANT)
    deployed = deploy_artifact(job.device, stored, print)
    found = find_sensors(job.device.transport, "host") if read else FoundSensors(None, "")
    plan = plan_under_load(REAL, energy)
    exit_code = job.run(energy_argv(job, deployed, plan, energy, found), timeout_s=60.0 + 2 * seconds)
    sustained = fetch_report(job, exit_code, stored.artifact, plan, timed=False).sustained
    if sustained is None:
        raise MeasurementError("the report lacks its seconds")
    return median(ns for ns in sustained.median_ns if ns is not None)


if __name__ == "__main__":
    sys.exit(main())
