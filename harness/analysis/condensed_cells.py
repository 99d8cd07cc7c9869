"""Cells of many runs, small enough to have a year of them in memory: without samples, equal parts shared."""

import math
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from harness.analysis.held_clocks import used_clocks
from harness.analysis.paced_figures import response_p99_ns
from harness.analysis.temperatures import hottest_zone
from harness.analysis.trends import CondensedCell
from harness.records import (
    Cell,
    ColdStartup,
    Conditions,
    Energy,
    EnergyWindow,
    Interval,
    ProcessReport,
    Record,
    Startup,
    Sustained,
)

_Record = TypeVar("_Record", bound=Record)
_NO_CONDITIONS = Conditions()
_GONE = Interval(estimate=math.nan, low=math.nan, high=math.nan)
_NO_WINDOW = EnergyWindow(began_uptime_seconds=0.0, seconds=0.0, span_seconds=(), watts=())


class Condenser:
    """Takes from each cell what a history reads (`history.trace`); what it does not read is gone."""

    def __init__(self) -> None:
        self._shared: dict[tuple[type, bytes], Record] = {}

    def condense(self, cell: Cell) -> CondensedCell:
        """The cell's identity, figures and verdict, and of its processes what makes runs differ.

        The result is none to save: its figures are those of samples that it lacks.
        """
        kept = replace(
            cell,
            variant=self._share(cell.variant),
            artifact=self._share(cell.artifact),
            device=self._share(cell.device),
            plan=self._share(cell.plan),
            verdict=self._share(cell.verdict),
            processes=tuple(map(self._condense_process, _telling(cell.processes))),
            startup=_total_alone(cell.startup),
            first_launch=None,
            pace=None,
            held_clocks=tuple(map(self._share, used_clocks(cell))),
            profile=None,
            cold=_condense_cold(cell.cold),
            sustained=_condense_sustained(cell.sustained),
            energy=self._condense_energy(cell.energy),
        )
        fields = {name: getattr(kept, name) for name in Cell.__struct_fields__}
        return CondensedCell(**fields, paced_p99_ns=response_p99_ns(cell))

    def _condense_energy(self, energy: Energy | None) -> Energy | None:
        """The figures, and what they were read from."""
        if energy is None or energy.run is None:
            return None
        run = replace(
            energy.run,
            source=self._share(energy.run.source),
            idle_before=_NO_WINDOW,
            load=_NO_WINDOW,
            idle_after=_NO_WINDOW,
            conditions_before=_NO_CONDITIONS,
            conditions_after=_NO_CONDITIONS,
        )
        return replace(energy, run=run)

    def _condense_process(self, process: ProcessReport) -> ProcessReport:
        conditions = self._share(_start_of(process.conditions_before))
        return replace(
            process,
            warmup_ns=(),
            warmup_cut=0,
            latencies_ns=(),
            starts_ns=None,
            sampled=None,
            conditions_before=conditions,
            conditions_after=conditions,
            scheduling=process.scheduling and self._share(process.scheduling),
            task_profile=process.task_profile and self._share(process.task_profile),
        )

    def _share(self, part: _Record) -> _Record:
        """The part itself, or an equal one of another cell."""
        known = self._shared.setdefault((type(part), msgspec.json.encode(part)), part)
        assert isinstance(known, type(part))
        return known


def _start_of(conditions: Conditions) -> Conditions:
    """Governors, and of temperatures that which tells how warm the device was."""
    hottest = hottest_zone(conditions)
    return Conditions(
        governors=conditions.governors,
        temperatures=None if hottest is None else (hottest,),
        battery_celsius=conditions.battery_celsius if hottest is None else None,
    )


def _total_alone(startup: Startup | None) -> Startup | None:
    """Its phases are not kept, and are no numbers."""
    if startup is None:
        return None
    return Startup(load_ns=_GONE, init_ns=_GONE, first_ns=_GONE, total_ns=startup.total_ns)


def _condense_cold(cold: ColdStartup | None) -> ColdStartup | None:
    if cold is None or cold.startup is None:
        return None
    return replace(cold, startup=_total_alone(cold.startup), processes=())


def _condense_sustained(sustained: Sustained | None) -> Sustained | None:
    if sustained is None or sustained.figures is None:
        return None
    return replace(sustained, run=None, figures=replace(sustained.figures, drop=None))


def _telling(processes: tuple[ProcessReport, ...]) -> list[ProcessReport]:
    """The first of those that were scheduled alike, in their order, and the one that began first."""
    alike: dict[bytes, int] = {}
    for index, process in enumerate(processes):
        alike.setdefault(msgspec.json.encode((process.scheduling, process.task_profile)), index)
    kept = set(alike.values())
    if processes:
        kept.add(min(range(len(processes)), key=lambda index: processes[index].round))
    return [processes[index] for index in sorted(kept)]
