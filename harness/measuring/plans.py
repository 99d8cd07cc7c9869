"""Which cells a device measures, and the plan of each: defaults, replaced by what the user asked for."""

from collections.abc import Iterable, Sequence

import msgspec

from harness.analysis.precisions import find_missing_feature
from harness.analysis.run_estimate import seconds_sustained
from harness.devices.cores import choose_cores
from harness.devices.device import Device
from harness.errors import DeviceUnfit
from harness.measuring.cell_state import CellRequest, is_same_measurement
from harness.measuring.sustaining import SustainPlan, lacks_energy, lacks_sustained
from harness.records import Cell, Clock, Core, DeviceInfo, Plan, RunRequest, Variant
from harness.records.progress import Log
from harness.runner.energy import EnergyPlan
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
# With 5 pairs no interval of ranks reaches 95 %; with 10 a program that is 5 % slower is found, see
# `tests/benchmarks/bench_against.py`.
INTERLEAVED = msgspec.structs.replace(REAL, processes=10, max_processes=20)
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


class Uncomputable(DeviceUnfit):
    """A device whose cores lack what some variants need; it measures the others."""


def refuse_uncomputable(variants: Iterable[Variant], device: Device) -> Uncomputable | None:
    """Why some variants are not measured: XNNPACK would silently compute them in another precision."""
    missing = {variant: find_missing_feature(variant.precision, device.info) for variant in variants}
    refused = {variant: feature for variant, feature in missing.items() if feature}
    if not refused:
        return None
    features = tuple(dict.fromkeys(refused.values()))
    precisions = dict.fromkeys(variant.precision for variant in refused)
    return Uncomputable(
        f"no {' and no '.join(feature.name for feature in features)} on this device's CPU;"
        f" skipped: {', '.join(variant.name for variant in refused)}",
        device=device.info.name,
        hint=f"leave {', '.join(precisions)} out of --precision for this device, or use one with "
        + " and ".join(feature.cores for feature in features),
    )


def plan_cells(
    request: RunRequest,
    variants: Iterable[Variant],
    device: DeviceInfo,
    placements: Sequence[str],
    log: Log = lambda _: None,
) -> list[CellRequest]:
    """One cell for each variant that the device computes as asked, each placement, threads, rate and options.

    `placements` are clusters' names or CPU lists; empty for no pinning. Those that stand for the same cores
    are one. A number of threads that fits only some of the placements is logged for the others.

    Raises:
        DeviceUnfit: no such cluster or core, or more threads than any placement has cores.
    """
    chosen = dict.fromkeys(tuple(sorted(choose_cores(device.cores, one))) for one in placements) or {(): None}
    _refuse_threads(request.threads, max(len(cores or device.cores) for cores in chosen), device.name)
    places = []
    for cores in chosen:
        cpus, available = format_cpu_list(cores) or None, len(cores or device.cores)
        counts = _thread_counts(request.threads, available, device.name)
        places += [(threads, cpus) for threads in counts]
        if left_out := [str(threads) for threads in request.threads if threads not in counts]:
            log(f"{', '.join(left_out)} threads not measured on cores {cpus}: too few cores")
    return [
        CellRequest(variant, msgspec.structs.replace(plan, rate_hz=rate_hz, backend_options=options))
        for variant in variants
        if find_missing_feature(variant.precision, device) is None
        for threads, cpus in places
        for plan in [make_plan(request, device.clock, threads, cpus, device.cores)]
        for rate_hz in request.rates_hz or (None,)
        for options in request.backend_options or (None,)
    ]


def _thread_counts(asked: Sequence[int], available: int, device: str) -> tuple[int, ...]:
    """Those asked for that fit on the cores; if none are asked for, 1, 2, 4, ... and as many as there are.

    Raises:
        DeviceUnfit: none are asked for, and it is unknown how many cores there are.
    """
    if asked:
        return tuple(threads for threads in asked if not available or threads <= available)
    if not available:
        raise DeviceUnfit(
            "--threads auto needs the number of cores, and the device reports none",
            device=device,
            hint="name the numbers of threads, such as --threads 1,2,4",
        )
    doubled = [2**power for power in range(available.bit_length())]
    return tuple(dict.fromkeys((*doubled, available)))


def _refuse_threads(asked: Sequence[int], available: int, device: str) -> None:
    if too_many := [threads for threads in asked if available and threads > available]:
        raise DeviceUnfit(
            f"{too_many[0]} threads need {too_many[0]} cores, and only {available} can be used",
            device=device,
            hint=f"--threads {available}",
        )


def make_plan(
    request: RunRequest, clock: Clock, threads: int, cpus: str | None = None, cores: Sequence[Core] = ()
) -> Plan:
    """The clock's defaults, replaced by what the request asks for; `cpus` as the device numbers them.

    Processes on a real clock are sampled where `cores`, the device's, leave one for the sampler.
    """
    base = COUNTED if clock != "real" else INTERLEAVED if request.against else REAL
    minimum, maximum = _rounds(request, base)
    min_seconds, max_seconds = _durations(request, base)
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
        max_seconds=max_seconds,
        counted_iterations=base.counted_iterations,
        seed=request.seed,
        tune_device=request.tune_device,
        task_profile=request.task_profile,
        max_cooling_seconds=(
            base.max_cooling_seconds if request.max_cooling_seconds is None else request.max_cooling_seconds
        ),
        cooled_within_celsius=request.cooled_within_celsius or base.cooled_within_celsius,
        max_temp_celsius=request.max_temp_celsius,
    )
    sampler = clock == "real" and bool(spare_cores(cores, plan))
    return msgspec.structs.replace(plan, sampler=sampler if request.sampler is None else request.sampler)


def seconds_for_long_runs(
    requests: Sequence[CellRequest],
    earlier: Sequence[Cell],
    sustain: SustainPlan | None,
    energy: EnergyPlan | None,
    clock: Clock,
) -> float:
    """How long the processes of minutes still to come take on a device, without cooling before them."""
    saved = [next((cell for cell in earlier if is_same_measurement(one, cell)), None) for one in requests]
    seconds = 0.0
    if sustain is not None:
        seconds += sustain.seconds * sum(cell is None or lacks_sustained(cell) for cell in saved)
    if energy is not None:
        by_command = bool(energy.command)
        seconds += energy.seconds * sum(
            cell is None or lacks_energy(cell, by_command=by_command) for cell in saved
        )
    return seconds_sustained(seconds, clock)


def sustain_plan(request: RunRequest, clock: Clock) -> SustainPlan | None:
    """The sustained run of each cell; None where none is asked for.

    Sampled also where no core is free for it: a sample takes a thousandth of the second between two.
    """
    if request.sustain_seconds is None:
        return None
    return SustainPlan(
        seconds=request.sustain_seconds,
        sampler=clock == "real" if request.sampler is None else request.sampler,
        max_temp_celsius=request.max_temp_celsius,
        max_cooling_seconds=request.max_cooling_seconds,
    )


def energy_plan(request: RunRequest, command: tuple[str, ...]) -> EnergyPlan | None:
    """How energy is measured, by the `command` if the request is for one; None where none is asked for."""
    if request.energy is None:
        return None
    return EnergyPlan(command=command if request.energy == "command" else ())


def _rounds(request: RunRequest, base: Plan) -> tuple[int, int]:
    """Minimum and maximum number of processes; a request with only one number gets exactly that many."""
    minimum = request.processes or min(base.processes, request.max_rounds or base.processes)
    maximum = request.max_rounds or request.processes or base.max_processes or base.processes
    return minimum, max(minimum, maximum)


def _durations(request: RunRequest, base: Plan) -> tuple[float, float]:
    """Minimum and maximum seconds of a process; the default of one yields to what is asked of the other."""
    minimum, maximum = request.min_seconds, request.max_seconds
    if minimum is None:
        minimum = base.min_seconds if maximum is None else min(base.min_seconds, maximum)
    return minimum, max(base.max_seconds, minimum) if maximum is None else maximum
