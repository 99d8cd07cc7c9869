"""How a rate is kept: `python tests/benchmarks/bench_rate.py`.

1. The share of inferences on this machine that begin within 1 ms of their slots.
2. A runner that is made to take some 40 ms, at 30 a second: the share of periods that it misses, all of them,
   and how far the last start lies from its slot: the schedule does not drift.
3. Instructions that an inference takes on arm-vm when it is paced, as a ratio to back to back.

Ends with exit code 1 when one of them is off its limit.
"""

import sys
from collections.abc import Sequence

from bench_history import record
from msgspec.structs import replace

from harness.devices.acquire import acquire
from harness.devices.inventory import resolve
from harness.lowering.artifact import lower_cached
from harness.measuring.plans import COUNTED, REAL
from harness.records import Plan, ProcessReport, Variant
from harness.records.schedule import steady_starts, summarize_pace
from harness.runner.bundle import Bundle, ensure_bench_bundle, ensure_bundle
from harness.runner.bundle.wheel import runs_natively
from harness.runner.deploy import deploy_artifact, deploy_bundle
from harness.runner.job import Job
from harness.runner.process import measure_process

VARIANT = Variant(width=0.25, resolution_px=128, precision="fp32")
RATE_HZ = 30.0
TIMED_SECONDS = 10.0
WITHIN_NS = 1_000_000
MIN_SHARE_WITHIN = 0.99
SLOW_NS = 40_000_000
MAX_INSTRUCTIONS_RATIO = 1.0001


def main() -> int:
    """Measure the three, print them beside their limits."""
    return 0 if all([starts_in_time(), planted_overruns(), counted_on_arm_vm()]) else 1


def measure(device_name: str, plans: Sequence[Plan], bundle: Bundle | None = None) -> list[ProcessReport]:
    """One process for each plan."""
    (target,) = resolve((device_name,))
    with acquire(target, print) as device:
        deployed_bundle = deploy_bundle(device, bundle or ensure_bundle(device.info.abi), print)
        stored = lower_cached(VARIANT)
        deployed = deploy_artifact(device, stored, print)
        job = Job(device, deployed_bundle, f"{device.folder}/jobs/bench-rate")
        return [measure_process(job, deployed, stored.artifact, plan, round_=0).process for plan in plans]


def starts_in_time() -> bool:
    """Whether nearly all inferences begin within a millisecond of their slots."""
    plan = replace(REAL, rate_hz=RATE_HZ, min_seconds=TIMED_SECONDS, max_seconds=TIMED_SECONDS)
    processes = measure("host", [plan] * 3)
    starts = steady_starts(processes, plan.period_ns or 0)
    share = sum(start.late_ns <= WITHIN_NS for start in starts) / len(starts)
    latest_ms = max(start.late_ns for start in starts) / 1e6
    print(
        f"starts within 1 ms: {share:.2%} of {len(starts)}, at least {MIN_SHARE_WITHIN:.0%};"
        f" latest {latest_ms:.2f} ms"
    )
    return record("rate", "starts within 1 ms, host", share, at_least=MIN_SHARE_WITHIN).met


def planted_overruns() -> bool:
    """Whether a runner that is too slow misses every period and keeps to the slots that are left."""
    plan = replace(REAL, min_iterations=1, min_seconds=1.0)
    abi = ensure_bundle("x86_64" if runs_natively("x86_64") else "arm64-v8a").abi
    (trial,) = measure("host", [plan], ensure_bench_bundle(abi, slow_down_operations=10_000_000))
    operations = 10_000_000 * SLOW_NS // min(trial.latencies_ns)
    paced = replace(plan, rate_hz=RATE_HZ, min_seconds=TIMED_SECONDS, max_seconds=TIMED_SECONDS)
    (process,) = measure("host", [paced], ensure_bench_bundle(abi, slow_down_operations=operations))
    pace = summarize_pace([process], paced.period_ns)
    if pace is None:
        return False
    last = steady_starts([process], pace.period_ns)[-1]
    print(
        f"planted {min(process.latencies_ns) / 1e6:.1f} ms at {RATE_HZ:g}/s: {pace.missed_share:.1%} missed"
        f" of {pace.periods} periods; the last start {last.late_ns / 1e6:.3f} ms after its slot"
    )
    return record("rate", "periods missed by 40 ms at 30/s", pace.missed_share, at_least=1.0).met


def counted_on_arm_vm() -> bool:
    """Whether a paced inference takes as many instructions as one back to back."""
    free, paced = measure("arm-vm", [COUNTED, replace(COUNTED, rate_hz=RATE_HZ)])
    if not free.instructions_per_inference or not paced.instructions_per_inference:
        print(f"arm-vm counted no instructions: {free.counters_unavailable}")
        return False
    ratio = paced.instructions_per_inference / free.instructions_per_inference
    print(
        f"instructions: {free.instructions_per_inference:,} back to back,"
        f" {paced.instructions_per_inference:,} paced, {ratio - 1:+.5%};"
        f" at most ±{MAX_INSTRUCTIONS_RATIO - 1:.2%}"
    )
    away = max(ratio, 1 / ratio)
    return record("rate", "paced/back to back instructions, arm-vm", away, at_most=MAX_INSTRUCTIONS_RATIO).met


if __name__ == "__main__":
    sys.exit(main())
