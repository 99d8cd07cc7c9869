"""Which cells a device measures, and the plan of each: defaults, replaced by what the user asked for."""

from collections.abc import Iterable, Sequence

import msgspec

from harness.analysis.precisions import find_missing_feature
from harness.devices.cores import choose_cores
from harness.devices.device import Device
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import DeviceUnfit, UsageError
from harness.lowering.background import Artifacts
from harness.measuring.cell_state import CellRequest
from harness.records import Clock, Core, Plan, RunRequest, Variant
from harness.runner.sampler import spare_cores
from harness.system.cpu_list import format_cpu_list

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


def refuse_without_real_time(request: RunRequest, targets: Iterable[Target]) -> None:
    """Refuse to time what only a device's own clock can.

    Raises:
        UsageError: a device is emulated in user mode, where times and the page cache are this machine's.
    """
    for target in targets:
        if request.cold and KINDS[target.kind].clock == "emulated":
            raise UsageError(
                f"--cold cannot be measured on {target.name}: its times are those of an emulator",
                hint="leave --cold out, or use a real device; arm-vm tries it out",
            )


def refuse_uncomputable(variants: Iterable[Variant], device: Device) -> DeviceUnfit | None:
    """Why some variants are not measured: XNNPACK would silently compute them in another precision."""
    missing = {variant: find_missing_feature(variant.precision, device.info) for variant in variants}
    refused = {variant: feature for variant, feature in missing.items() if feature}
    if not refused:
        return None
    features = tuple(dict.fromkeys(refused.values()))
    precisions = dict.fromkeys(variant.precision for variant in refused)
    return DeviceUnfit(
        f"no {' and no '.join(feature.name for feature in features)} on this device's CPU;"
        f" skipped: {', '.join(variant.name for variant in refused)}",
        device=device.info.name,
        hint=f"leave {', '.join(precisions)} out of --precision for this device, or use one with "
        + " and ".join(feature.cores for feature in features),
    )


def plan_cells(request: RunRequest, artifacts: Artifacts, device: Device, cores: str) -> list[CellRequest]:
    """One cell for each variant that the device computes as asked, and each number of threads.

    `cores` is a cluster's name or a CPU list; empty for no pinning.

    Raises:
        DeviceUnfit: more threads than cores to run on.
    """
    chosen = choose_cores(device.info.cores, cores) if cores else ()
    cpus = format_cpu_list(chosen) or None
    available = len(chosen or device.info.cores)
    too_many = [threads for threads in request.threads if available and threads > available]
    if too_many:
        raise DeviceUnfit(
            f"{too_many[0]} threads need {too_many[0]} cores, and only {available} can be used",
            device=device.info.name,
            hint=f"--threads {available}",
        )
    return [
        CellRequest(variant, make_plan(request, device.info.clock, threads, cpus, device.info.cores))
        for variant in artifacts
        if find_missing_feature(variant.precision, device.info) is None
        for threads in request.threads
    ]


def make_plan(
    request: RunRequest, clock: Clock, threads: int, cpus: str | None = None, cores: Sequence[Core] = ()
) -> Plan:
    """The clock's defaults, replaced by what the request asks for; `cpus` as the device numbers them.

    Processes on a real clock are sampled where `cores`, the device's, leave one for the sampler.
    """
    base = REAL if clock == "real" else COUNTED
    minimum, maximum = _rounds(request, base)
    min_seconds = base.min_seconds if request.min_seconds is None else request.min_seconds
    max_seconds = base.max_seconds if request.max_seconds is None else request.max_seconds
    plan = Plan(
        threads=threads,
        cpus=cpus,
        processes=minimum,
        max_processes=maximum if clock == "real" else minimum,
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
    """Minimum and maximum number of processes; a request with only one number gets exactly that many."""
    minimum = request.processes or min(base.processes, request.max_rounds or base.processes)
    maximum = request.max_rounds or request.processes or base.max_processes or base.processes
    return minimum, max(minimum, maximum)
