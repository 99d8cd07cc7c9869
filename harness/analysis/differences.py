"""What makes the figures of two cells differ though the program may be the same.

Device, plan, tuning and versions are under a user's control: a comparison refuses cells that differ in them.
The temperature at the start is not: it is named, and weighs where it could explain the result. The clock that
was held is named only: the program itself may have lowered it.
"""

from msgspec.structs import replace

from harness.analysis.held_clocks import used_clocks
from harness.analysis.temperatures import hottest_celsius
from harness.records import Cell, Conditions, TunedSetting

# The default of --cool-within: within one run the device starts each process no warmer than this.
MAX_START_DIFFERENCE_CELSIUS = 3.0
# Of the held clock's share of its maximum; half of what `reduced_clock` reports of one run.
MAX_CLOCK_DIFFERENCE = 0.05
DEVICE_FACTS = ("name", "kind", "model", "soc", "abi", "clock", "os", "kernel", "libc", "cores")
VALUES = "values of the inputs"
PLAN_FACTS = (
    *("cpus", "tune_device", "task_profile"),
    *("warmup_iterations", "min_iterations", "min_seconds", "max_seconds"),
)


def find_differences(base: Cell, new: Cell, *, sides: tuple[str, str] = ("in base", "in new")) -> list[str]:
    """Name what was planned, what took hold and what the program was made with, where it differs."""
    facts: list[tuple[str, object, object]] = [
        (f"device {fact}", getattr(base.device, fact), getattr(new.device, fact)) for fact in DEVICE_FACTS
    ]
    pages = base.device.page_size_bytes, new.device.page_size_bytes
    if None not in pages:  # older runs did not record it
        facts.append(("device page_size_bytes", *pages))
    facts += [(f"plan {fact}", getattr(base.plan, fact), getattr(new.plan, fact)) for fact in PLAN_FACTS]
    facts += _tuning_in_effect(base, new)
    facts += _scheduling(base, new)
    old, young = base.artifact.versions, new.artifact.versions
    facts += [(f"version of {name}", old.get(name), young.get(name)) for name in sorted(old | young)]
    first, second = (replace(cell.variant.weights, remarks=()) for cell in (base, new))
    if base.variant.is_own_program and new.variant.is_own_program:
        # Another version of the file is what the user compares; its figures are of the same task.
        first, second = replace(first, sha256=None), replace(second, sha256=None)
        facts.append(("inputs", _inputs_text(base), _inputs_text(new)))
        if base.artifact.all_inputs == new.artifact.all_inputs:
            first_values, second_values = (cell.artifact.reference_input_sha256 for cell in (base, new))
            facts.append((VALUES, first_values, second_values))
    facts.append(("weights", first, second))
    return [
        f"{fact} {'differ' if fact == VALUES else 'differs'}"
        if fact in ("device cores", "weights", VALUES)
        else f"{fact}: {_shown(first)} {sides[0]}, {_shown(second)} {sides[1]}"
        for fact, first, second in facts
        if first != second
    ]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _inputs_text(cell: Cell) -> str:
    return ", ".join(spec.text for spec in cell.artifact.all_inputs)


def could_explain(difference_celsius: float | None, *, slower: bool) -> bool:
    """Whether new is slower and began too much warmer, or faster and began too much cooler."""
    if difference_celsius is None or abs(difference_celsius) <= MAX_START_DIFFERENCE_CELSIUS:
        return False
    return slower == (difference_celsius > 0)


def start_difference_celsius(base: Cell, new: Cell) -> float | None:
    """How much warmer `new` began than `base`; None where a temperature is unknown or of another device."""
    before, after = start_celsius(base), start_celsius(new)
    if before is None or after is None or base.device.model != new.device.model:
        return None
    return after - before


def describe_start(base: Cell, new: Cell) -> str | None:
    """`new began 5.2 °C warmer (31.0 to 36.2 °C)`, where the difference is large enough to matter."""
    difference = start_difference_celsius(base, new)
    if difference is None or abs(difference) <= MAX_START_DIFFERENCE_CELSIUS:
        return None
    warmer = "warmer" if difference > 0 else "cooler"
    ends = f"{start_celsius(base):.1f} to {start_celsius(new):.1f} °C"
    return f"new began {abs(difference):.1f} °C {warmer} ({ends})"


def describe_clocks(base: Cell, new: Cell) -> list[str]:
    """`cores 4-7 were measured at 3.40 GHz in base, 1.98 GHz in new`, where that differs enough to matter."""
    if base.device.model != new.device.model:
        return []
    later = {(clock.cores, clock.max_khz): clock for clock in new.held_clocks}
    pairs = [(clock, later.get((clock.cores, clock.max_khz))) for clock in base.held_clocks]
    in_use = {*used_clocks(base), *used_clocks(new)}
    return [
        f"cores {old.cores} were measured at {old.held_khz / 1e6:.2f} GHz in base,"
        f" {young.held_khz / 1e6:.2f} GHz in new"
        for old, young in pairs
        if young is not None and abs(old.share - young.share) > MAX_CLOCK_DIFFERENCE
        # A cluster is slower also where it idled beside the process.
        if min(old, young, key=lambda clock: clock.share) in in_use
    ]


def _tuning_in_effect(base: Cell, new: Cell) -> list[tuple[str, object, object]]:
    """Settings of two tuned runs as read back, and the governors under which both runs began."""
    facts: list[tuple[str, object, object]] = []
    if base.tuning is not None and new.tuning is not None:
        old, young = _read_back(base.tuning), _read_back(new.tuning)
        facts += [
            (f"tuning {name}", old.get(name, "not set"), young.get(name, "not set"))
            for name in sorted(old | young)
        ]
    before, after = _governors(base), _governors(new)
    if before and after:
        facts.append(("governors", before, after))
    return facts


def _scheduling(base: Cell, new: Cell) -> list[tuple[str, object, object]]:
    """How the kernel scheduled the processes, where both cells say it.

    A cpuset decides on Android; elsewhere its path may name a session or a container. Under an emulator all
    of this is the host's.
    """
    if "emulated" in (base.device.clock, new.device.clock):
        return []
    on_android = all((cell.device.os or "").startswith("Android") for cell in (base, new))
    names = ("nice", "uclamp_min_per_1024", "uclamp_max_per_1024", *(("cpuset",) if on_android else ()))
    facts = [(name, _scheduled(base, name), _scheduled(new, name)) for name in names]
    facts.append(("task profile in effect", _took_hold(base), _took_hold(new)))
    return [(name, first, second) for name, first, second in facts if first and second]


def _scheduled(cell: Cell, name: str) -> str:
    """The processes' values, each once; empty where unknown."""
    found = (getattr(one.scheduling, name) for one in cell.processes if one.scheduling)
    return ", ".join(dict.fromkeys(str(value) for value in found if value is not None))


def _took_hold(cell: Cell) -> str:
    """`cpuset, cpu`, or that nothing did; empty where no profile was asked for."""
    found = (one.task_profile for one in cell.processes)
    return "; ".join(dict.fromkeys(", ".join(one.took_hold) or "nothing" for one in found if one))


def _read_back(settings: tuple[TunedSetting, ...]) -> dict[str, str]:
    """What each setting is, or why that is unknown."""
    return {one.name: (one.now if one.now is not None else one.note) or "unknown" for one in settings}


def _governors(cell: Cell) -> str:
    """The governors at the start, each once; empty where unknown, or where no clock is a real one."""
    conditions = None if cell.device.emulated else _first_conditions(cell)
    return ", ".join(dict.fromkeys(filter(None, conditions.governors or ()))) if conditions else ""


def _first_conditions(cell: Cell) -> Conditions | None:
    first = min(cell.processes, key=lambda process: process.round, default=None)
    return first.conditions_before if first else None


def start_celsius(cell: Cell) -> float | None:
    """How hot the device was before the first process."""
    conditions = _first_conditions(cell)
    return hottest_celsius(conditions) if conditions else None
