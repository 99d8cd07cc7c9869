"""How a cell is measured unless the user says otherwise."""

from collections.abc import Sequence

import msgspec

from harness.records import Clock, Core, Plan, RunRequest
from harness.runner.sampler import spare_cores

# Real devices: samples enough for a median within a few percent; processes because iterations of one
# process share its memory layout and are correlated (
# Kalibera & Jones, "Rigorous benchmarking in reasonable time", ISMM 2013).
REAL = Plan(
    threads=1,
    processes=5,
    max_processes=10,
    warmup_iterations=5,
    min_iterations=20,
    min_seconds=1.0,
    max_seconds=10.0,
    counted_iterations=3,
    seed=0,
    max_cooling_seconds=120.0,
    # Sensors of phones and boards step by 0.1 to 1 °C; within 3 °C none of the known ones throttles again.
    cooled_within_celsius=3.0,
)
# Counted instructions repeat: two processes show that they do.
COUNTED = Plan(
    threads=1,
    processes=2,
    warmup_iterations=1,
    min_iterations=3,
    min_seconds=0.0,
    max_seconds=60.0,
    counted_iterations=2,
    seed=0,
)


def make_plan(
    request: RunRequest, clock: Clock, threads: int, cpus: str | None = None, cores: Sequence[Core] = ()
) -> Plan:
    """The clock's defaults with what the user asked for put over them; `cpus` as the device numbers them.

    Processes on a real clock are sampled where `cores`, the device's, leave one for the sampler.
    """
    base = REAL if clock == "real" else COUNTED
    least, most = _rounds(request, base)
    min_seconds = base.min_seconds if request.min_seconds is None else request.min_seconds
    max_seconds = base.max_seconds if request.max_seconds is None else request.max_seconds
    plan = Plan(
        threads=threads,
        cpus=cpus,
        processes=least,
        max_processes=most if clock == "real" else least,
        target_precision=request.target_precision if clock == "real" else None,
        max_minutes=request.max_minutes,
        warmup_iterations=(
            base.warmup_iterations if request.warmup_iterations is None else request.warmup_iterations
        ),
        min_iterations=request.min_iterations or base.min_iterations,
        min_seconds=min_seconds,
        max_seconds=max(max_seconds, min_seconds),
        counted_iterations=base.counted_iterations,
        seed=request.seed,
        tune_device=request.tune_device,
        max_cooling_seconds=(
            base.max_cooling_seconds if request.max_cooling_seconds is None else request.max_cooling_seconds
        ),
        cooled_within_celsius=request.cooled_within_celsius or base.cooled_within_celsius,
        max_temp_celsius=request.max_temp_celsius,
    )
    sampler = clock == "real" and bool(spare_cores(cores, plan))
    return msgspec.structs.replace(plan, sampler=sampler if request.sampler is None else request.sampler)


def _rounds(request: RunRequest, base: Plan) -> tuple[int, int]:
    """Least and most processes; who names one number gets that many, unless the other is named, too."""
    least = request.processes or min(base.processes, request.max_rounds or base.processes)
    most = request.max_rounds or request.processes or base.max_processes or base.processes
    return least, max(least, most)
