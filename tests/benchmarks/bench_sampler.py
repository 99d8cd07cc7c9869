"""What sampling beside a process costs it: `python tests/benchmarks/bench_sampler.py`.

The same program is measured on this machine as `harness run` does, in turn with the sampler and without: the
median of the ratios of neighbours, with its 95 % interval. The sampler reads a file tree of a phone of eight
cores and sixteen thermal zones, since this machine may have neither; the files lie in memory, as sysfs does.

Ends with exit code 1 when the change is surely over its limit.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from msgspec.structs import replace

from harness.analysis.intervals import median_interval
from harness.devices.acquire import acquire
from harness.devices.device import Device
from harness.devices.target import Target
from harness.lowering.artifact import lower_cached
from harness.measuring.plans import REAL
from harness.records import Artifact, Plan, Variant
from harness.runner.bundle import ensure_bundle
from harness.runner.deploy import DeployedArtifact, DeployedBundle, deploy_artifact, deploy_bundle
from harness.runner.job import Job
from harness.runner.process import measure_process

MAX_CHANGE = 0.01
VARIANT = Variant(width=0.5, resolution_px=128, precision="fp32")
CORES = 8
ZONES = 16


def main() -> int:
    """Measure pairs, not pinned and pinned to the first core; tell whether both are within the limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=30, help="pairs of processes for each line")
    pairs = parser.parse_args().pairs
    target = Target("host", "host", "local")
    with (
        acquire(target, print) as device,
        tempfile.TemporaryDirectory(dir=memory_folder()) as root,
    ):
        stored = lower_cached(VARIANT)
        bundle = deploy_bundle(device, ensure_bundle(device.info.abi), print)
        deployed = deploy_artifact(device, stored, print)
        write_phone(Path(root))
        os.environ["HARNESS_PROBE_ROOT"] = root
        print(f"{'0.5/128 fp32, one thread':28}{'without':>12}{'with':>12}{'ratio':>9}  95 % interval, limit")
        within = [
            compare(device, bundle, deployed, stored.artifact, replace(REAL, cpus=cpus), pairs)
            for cpus in (None, "0")
        ]
    return 0 if all(within) else 1


def memory_folder() -> str | None:
    """Where files lie in memory; None for the usual place."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def write_phone(root: Path) -> None:
    """What sampler.sh reads on a phone."""
    files = {"proc/uptime": "1234.56 99.00"}
    for core in range(CORES):
        files[f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq"] = "1803000"
    for zone in range(ZONES):
        folder = f"sys/class/thermal/thermal_zone{zone}"
        files |= {f"{folder}/type": f"cpu-{zone}-usr", f"{folder}/temp": "45100"}
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


def compare(
    device: Device,
    bundle: DeployedBundle,
    deployed: DeployedArtifact,
    artifact: Artifact,
    plan: Plan,
    pairs: int,
) -> bool:
    """Print the two medians and their ratio; whether the interval touches the limit or lies within."""
    job = Job(device, bundle, f"{device.folder}/jobs/bench-sampler")

    def median_ns(*, sampler: bool) -> float:
        measured = measure_process(job, deployed, artifact, replace(plan, sampler=sampler), round_=0).process
        if sampler and not (measured.sampled and measured.sampled.samples):
            raise RuntimeError("the sampler recorded nothing")
        return statistics.median(measured.latencies_ns)

    medians: dict[bool, list[float]] = {False: [], True: []}
    for pair in range(pairs):
        # Turn and turn about, so that neither always comes second.
        for sampler in (False, True)[:: 1 if pair % 2 else -1]:
            medians[sampler].append(median_ns(sampler=sampler))
    ratio = median_interval([one / bare for one, bare in zip(medians[True], medians[False], strict=True)])
    bare_ms, sampled_ms = (statistics.median(medians[sampler]) / 1e6 for sampler in (False, True))
    name = "not pinned" if plan.cpus is None else f"pinned to core {plan.cpus}"
    print(
        f"{f'{name}, {pairs} pairs':28}{bare_ms:9.3f} ms{sampled_ms:9.3f} ms{ratio.estimate:9.4f}"
        f"  {ratio.low:.4f} to {ratio.high:.4f}, 1 ± {MAX_CHANGE}"
    )
    if ratio.high - ratio.low > 2 * MAX_CHANGE:
        print("This machine is too busy to tell: the interval is wider than the limit.")
    return ratio.low <= 1 + MAX_CHANGE and ratio.high >= 1 - MAX_CHANGE


if __name__ == "__main__":
    sys.exit(main())
