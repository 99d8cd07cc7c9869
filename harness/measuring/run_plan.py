"""What a run will do, before it does anything: cells, processes, what is lowered, and an estimated time."""

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import median

import msgspec

from harness.analysis.placements import cell_key
from harness.analysis.run_estimate import (
    LOWERING_SECONDS,
    MEASURED,
    RULE,
    Spacing,
    measured_spacing,
    seconds_by_rule,
    seconds_sustained,
    start_seconds,
)
from harness.analysis.stopping import is_complete, most_processes
from harness.devices.device_kind import DeviceKind
from harness.devices.kinds import KINDS
from harness.devices.places import Group, group_by_place
from harness.devices.target import Target
from harness.errors import DeviceUnfit, LoweringError
from harness.lowering.artifact import find_cached
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.inputs import SEEDED, Inputs, LoweringInputs
from harness.lowering.pool import default_workers
from harness.measuring.cell_state import CellRequest, is_same_measurement
from harness.measuring.planned import PlannedCell, PlannedDevice, PlannedVariant, RunPlan
from harness.measuring.plans import make_plan, plan_cells
from harness.measuring.sustaining import lacks_energy, lacks_sustained, refuse_beyond_limit
from harness.records import Cell, Clock, DeviceInfo, RunRequest, Variant
from harness.runner.energy import EnergyPlan


def make_run_plan(
    request: RunRequest,
    variants: Sequence[Variant],
    inputs: Inputs | None,
    targets: Sequence[Target],
    infos: Mapping[str, DeviceInfo],
    earlier: Sequence[Cell] = (),
    *,
    beside_base: Container[Variant] = (),
    group: Group = group_by_place,
) -> RunPlan:
    """Plan without touching a device: `infos` are those of devices that are known, by name.

    `earlier` are the cells of the run folder; a device that has one there is known, too. `beside_base` are
    the variants that are measured together with another run's program.
    """
    stored = {variant: _cached(variant, request, inputs) for variant in variants}
    lowering_seconds, lowering_basis = _lowering(stored)
    known = {cell.device.name: cell.device for cell in earlier} | dict(infos)
    devices = {
        target: _plan_device(request, variants, target, known.get(target.name), earlier, beside_base)
        for target in targets
    }
    groups = [[devices[target] for target in one] for one in group(targets)]
    if request.any_of:
        limit = math.inf if request.max_minutes is None else 60 * request.max_minutes
        shared = _shared_seconds(tuple(devices.values()), variants[0].name)
        least, most = (min(limit, seconds) for seconds in shared)
    else:
        least = max(sum(device.least_seconds for device in one) for one in groups)
        most = max(sum(device.most_seconds for device in one) for one in groups)
    return RunPlan(
        tuple(
            _planned_variant(variant, found, (inputs or {}).get(variant, SEEDED))
            for variant, found in stored.items()
        ),
        tuple(devices.values()),
        lowering_seconds,
        lowering_basis,
        lowering_seconds + least,
        lowering_seconds + most,
        pool=len(targets) if request.any_of else None,
    )


def _shared_seconds(planned: Sequence[PlannedDevice], first: str) -> tuple[float, float]:
    """Of a pool: each device measures the first variant, and its share of the others."""
    alone: list[tuple[float, float]] = []
    shared: list[tuple[float, float]] = []
    for device in planned:
        for cell in device.cells:
            times = cell.least_seconds, cell.most_seconds
            (alone if cell.variant == first else shared).append(times)
    count = len(planned)
    # Each device was planned for all of them.
    least, most = (
        sum(times[end] for times in alone) / count + sum(times[end] for times in shared) / count**2
        for end in (0, 1)
    )
    return least, most


def _planned_variant(variant: Variant, found: StoredArtifact | None, files: LoweringInputs) -> PlannedVariant:
    if files.own:
        return PlannedVariant(variant.name, True, files.own.size_bytes)
    return PlannedVariant(variant.name, found is not None, found.artifact.size_bytes if found else None)


def _cached(variant: Variant, request: RunRequest, inputs: Inputs | None) -> StoredArtifact | None:
    files = (inputs or {}).get(variant, SEEDED)
    try:
        return find_cached(variant, files, allow_undelegated=request.allow_undelegated)
    except LoweringError:  # reported where it is lowered
        return None


def _lowering(stored: Mapping[Variant, StoredArtifact | None]) -> tuple[float, str]:
    """Seconds of lowering what is not in the cache, at the pace of those that are, by precision."""
    missing = [variant for variant, found in stored.items() if not (found or variant.is_own_program)]
    taken: dict[str, list[float]] = {variant.precision: [] for variant in stored}
    for variant, found in stored.items():
        if found and found.artifact.lowering_seconds is not None:
            taken[variant.precision].append(found.artifact.lowering_seconds)
    seconds = [
        median(taken[variant.precision]) if taken[variant.precision] else LOWERING_SECONDS
        for variant in missing
    ]
    if not missing:
        return 0.0, "all are in the cache"
    by_rule = sum(not taken[variant.precision] for variant in missing)
    basis = f"{LOWERING_SECONDS:g} s for each" if by_rule else "what the variants in the cache took"
    return sum(seconds) / min(len(missing), default_workers()), basis


def _plan_device(
    request: RunRequest,
    variants: Sequence[Variant],
    target: Target,
    info: DeviceInfo | None,
    earlier: Sequence[Cell],
    beside_base: Container[Variant],
) -> PlannedDevice:
    placements = request.placements or ((target.cores,) if target.cores else ())
    cells = [cell for cell in earlier if cell.device.name == target.name]
    spacing, kind = measured_spacing(cells), KINDS[target.kind]
    basis = MEASURED if spacing.overall is not None else f"rule: {RULE}"
    if info is None:
        planned = list(_cells_by_options(request, variants, kind.clock, placements))
    else:
        try:
            requests = plan_cells(request, variants, info, placements)
        except DeviceUnfit as error:
            return PlannedDevice(target.name, target.kind, True, (), basis, error=error.what, hint=error.hint)
        planned = [(one, one.plan.threads, one.plan.cpus) for one in requests]
    expected = _Expected(request, kind, cells, spacing, beside_base)
    estimated = tuple(expected.cell(*one) for one in planned)
    if runs := sum(cell.sustain_seconds is not None for cell in estimated):
        refuse_beyond_limit(target.name, runs, request.sustain_seconds or 0, kind.clock, request.max_minutes)
    limit = math.inf if request.max_minutes is None else 60 * request.max_minutes
    return PlannedDevice(
        name=target.name,
        kind=target.kind,
        cores_known=info is not None,
        cells=estimated,
        basis=basis,
        least_seconds=min(limit, sum(cell.least_seconds for cell in estimated)),
        most_seconds=min(limit, sum(cell.most_seconds for cell in estimated)),
    )


def _cells_by_options(
    request: RunRequest, variants: Sequence[Variant], clock: Clock, placements: Sequence[str]
) -> Iterator[tuple[CellRequest, int | None, str | None]]:
    """The cells of a device that was not asked, with their threads and cores as far as the options say."""
    for variant, cores, threads, rate_hz, options in product(
        variants,
        placements or (None,),
        request.threads or (None,),
        request.rates_hz or (None,),
        request.backend_options or (None,),
    ):
        plan = make_plan(request, clock, threads or 1)
        plan = msgspec.structs.replace(plan, rate_hz=rate_hz, backend_options=options)
        yield CellRequest(variant, plan), threads, cores


@dataclass(frozen=True)
class _Expected:
    """How long the cells of one device will take; `cells` are those that the run folder has of it."""

    request: RunRequest
    kind: DeviceKind
    cells: Sequence[Cell]
    spacing: Spacing
    beside_base: Container[Variant]

    def cell(self, one: CellRequest, threads: int | None, cores: str | None) -> PlannedCell:
        request, plan = self.request, one.plan
        saved = next((cell for cell in self.cells if is_same_measurement(one, cell)), None)
        done = len(saved.processes) if saved else 0
        measured = saved is not None and is_complete(saved)
        sides = 0 if measured else 2 if one.variant in self.beside_base else 1
        least = sides * max(0, plan.processes - done)
        most = sides * max(0, most_processes(plan) - done)
        seconds = self._process_seconds(one)
        # Memory is read in a separate process, and so are operators and each cold start.
        further = sides * (1 + request.profile + request.cold * plan.processes) * self._start_seconds
        sustain = request.sustain_seconds if saved is None or lacks_sustained(saved) else None
        by_command = request.energy == "command"
        wanted = request.energy is not None and (saved is None or lacks_energy(saved, by_command=by_command))
        metered = EnergyPlan().seconds if wanted else None
        further += self._long_run_seconds(sustain) + self._long_run_seconds(metered)
        return PlannedCell(
            variant=one.variant.name,
            threads=threads,
            cores=cores,
            rate_hz=plan.rate_hz,
            backend_options=plan.backend_options,
            measured=measured,
            least_processes=least,
            most_processes=most,
            least_seconds=least * seconds + further,
            most_seconds=most * seconds + further,
            sustain_seconds=sustain,
            energy_seconds=metered,
        )

    def _process_seconds(self, one: CellRequest) -> float:
        """Of one process, at the measured pace where there is one."""
        seconds = self.spacing.of(cell_key(one.variant, one.plan))
        if seconds is not None:
            return seconds
        kind = self.kind
        return seconds_by_rule(one.plan, kind.clock, one.variant, on_host=kind.runs_on_host)

    @property
    def _start_seconds(self) -> float:
        return start_seconds(on_host=self.kind.runs_on_host)

    def _long_run_seconds(self, seconds: float | None) -> float:
        return 0.0 if seconds is None else self._start_seconds + seconds_sustained(seconds, self.kind.clock)
