"""The plan of a run as text."""

from collections.abc import Iterator

from harness.measuring.planned import PlannedCell, PlannedDevice, RunPlan
from harness.measuring.sustaining import shown
from harness.records.requests import exact_rate


def describe_plan(plan: RunPlan, *, search: bool = False) -> str:
    """A line on what is lowered, one for each device, and the estimate with what it rests on.

    A `search` measures fewer cells, and only then knows how many.
    """
    new = [variant for variant in plan.variants if not variant.lowered]
    count = _count(len(plan.variants), "variant")
    lowering = f"{len(new)} to lower, {_about(plan.lowering_seconds)}" if new else "all lowered already"
    lines = [f"plan: {count}, {lowering}{_pushed(plan)}"]
    lines += [f"plan: {_device_line(device)}" for device in plan.devices]
    bases = dict.fromkeys(device.basis for device in plan.devices if device.most_seconds)
    if new:
        bases[f"lowering: {plan.lowering_basis}"] = None
    total = _between(plan.least_seconds, plan.most_seconds)
    rests = f" ({'; '.join(bases)})" if bases else ""
    lines.append(
        f"plan: {total} in all, an estimate{rests}; cooling, building the runner and accuracy come on top"
    )
    if plan.pool and plan.pool > 1:
        lines.append(
            f"plan: the {plan.pool} devices share these cells; each measures those of {plan.variants[0].name}"
        )
    if search:
        lines.append("plan: at most: a search measures only what decides, and that shows as it measures")
    return "\n".join(lines)


def cell_table(plan: RunPlan) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The columns and a row for each cell; with what only some plans have where some cell has it."""
    cells = [cell for device in plan.devices for cell in device.cells]
    paced, chosen = any(cell.rate_hz for cell in cells), any(cell.backend_options for cell in cells)
    sustained = any(cell.sustain_seconds for cell in cells)
    further = [name for name, shown in (("rate /s", paced), ("XNNPACK options", chosen)) if shown]
    last = ("sustained",) if sustained else ()
    columns = ("device", "variant", "threads", "cores", *further, "processes", *last, "estimate")
    rows = [
        tuple(_row(device, cell, paced=paced, chosen=chosen, sustained=sustained))
        for device in plan.devices
        for cell in device.cells
    ]
    return columns, rows


def _row(
    device: PlannedDevice, cell: PlannedCell, *, paced: bool, chosen: bool, sustained: bool
) -> Iterator[str]:
    yield device.name
    yield cell.variant
    yield "auto" if cell.threads is None else str(cell.threads)
    yield cell.cores or "any"
    if paced:
        yield "" if cell.rate_hz is None else exact_rate(cell.rate_hz)
    if chosen:
        yield cell.backend_options or "default"
    yield "measured already" if cell.measured else _range(cell.least_processes, cell.most_processes)
    if sustained:
        yield _about(cell.sustain_seconds) if cell.sustain_seconds else "measured already"
    done = cell.measured and not cell.long_seconds
    yield "" if done else _between(cell.least_seconds, cell.most_seconds)


def _device_line(device: PlannedDevice) -> str:
    if device.error:
        return f"{device.name}: nothing: {device.error}"
    measured = sum(cell.measured for cell in device.cells)
    least = sum(cell.least_processes for cell in device.cells)
    most = sum(cell.most_processes for cell in device.cells)
    parts = [_count(len(device.cells), "cell") + (f" ({measured} measured already)" if measured else "")]
    if any(cell.threads is None for cell in device.cells):
        parts[0] += ", each with the numbers of threads that its cores allow"
    runs = [cell.sustain_seconds for cell in device.cells if cell.sustain_seconds]
    metered = sum(cell.energy_seconds is not None for cell in device.cells)
    if most or runs or metered:
        processes = "process" if most == 1 else "processes"
        parts.append(f"{_range(least, most)} {processes}")
        if runs:
            parts.append(f"{_count(len(runs), 'sustained run')} of {shown(max(runs))}")
        if metered:
            parts.append(f"energy of {_count(metered, 'cell')}")
        parts.append(_between(device.least_seconds, device.most_seconds))
    return f"{device.name}: {', '.join(parts)}"


def _pushed(plan: RunPlan) -> str:
    sizes = [variant.size_bytes for variant in plan.variants if variant.size_bytes is not None]
    if not sizes:
        return ""
    others = " and those to lower" if len(sizes) < len(plan.variants) else ""
    return f"; to push: programs of {sum(sizes) / 1e6:.3g} MB{others}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _range(least: int, most: int) -> str:
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _between(least: float, most: float) -> str:
    """`about 3 to 6 min`, in one unit, that of the longer time."""
    size, unit = _unit(most)
    low, high = (f"{seconds / size:.0f}" for seconds in (least, most))
    return f"about {high} {unit}" if low == high else f"about {low} to {high} {unit}"


def _about(seconds: float) -> str:
    return _between(seconds, seconds)


def _unit(seconds: float) -> tuple[int, str]:
    return (1, "s") if seconds < 90 else (60, "min") if seconds < 90 * 60 else (3600, "h")
