"""Devices and runs side by side: a row for each fact, a column for each machine since it started."""

from collections.abc import Mapping, Sequence

from harness.records import Core, Plan, Run, Scheduling, TaskProfile
from harness.records.requests import exact_rate
from harness.system.text import printable
from reports import conditions
from reports.clocks import held_clocks_of
from reports.numbers import MISSING, significant
from reports.sections import Section, weights_text

_CLOCKS = {
    "real": "real",
    "emulated": "emulated (wall-clock time of the emulator)",
    "virtual": "virtual (one instruction is one nanosecond)",
}


def compare_devices(
    sections: Sequence[Section], runs_of: Mapping[str, Sequence[Run]]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Name and texts of each fact that some device has; `runs_of` has the runs of each section's slug."""
    columns = [_facts(section, runs_of.get(section.slug, ())) for section in sections]
    names = list(dict.fromkeys(name for facts in columns for name in facts))
    return tuple((name, tuple(facts.get(name, MISSING) for facts in columns)) for name in names)


def _facts(section: Section, runs: Sequence[Run]) -> dict[str, str]:
    device = section.device
    memory, limit = device.memory_total_bytes, device.memory_limit_bytes
    plans = [cell.plan for cell in section.cells]
    facts = (
        ("Runs", ", ".join(run.id for run in runs)),
        ("Model", device.model),
        ("SoC", device.soc),
        ("OS", device.os),
        ("Kernel", device.kernel),
        ("Started as", device.boot_id and device.boot_id[:8]),
        ("Cores", describe_cores(device.cores)),
        ("Memory", f"{significant(memory / 1e9)} GB" if memory else None),
        ("Memory limit", f"{significant(limit / 1e9)} GB, of the container" if limit else None),
        ("Page size", f"{device.page_size_bytes // 1024} KiB" if device.page_size_bytes else None),
        ("Connection", f"{device.kind}, {device.transport}, {device.abi}"),
        ("C library", device.libc),
        ("Clock", _CLOCKS[device.clock]),
        ("Pinned to CPUs", ", ".join(sorted({plan.cpus for plan in plans if plan.cpus})) or "not pinned"),
        ("Scheduled as", _scheduling(section)),
        ("Task profile", _task_profiles(section)),
        ("Rate", _rates(plans)),
        ("Tuned", conditions.tuning(section.cells)),
        ("Clock held while measuring", held_clocks_of(section.cells)),
        ("Weights", ", ".join(sorted({weights_text(cell.variant.weights) for cell in section.cells}))),
        ("Calibration", _calibration(section)),
        ("Cells", str(len(section.cells))),
    )
    return {name: printable(text) for name, text in facts if text}


def _rates(plans: Sequence[Plan]) -> str | None:
    """`15, 30 inferences a second`; None where all ran back to back."""
    rates = sorted({plan.rate_hz for plan in plans if plan.rate_hz is not None})
    return f"{', '.join(map(exact_rate, rates))} inferences a second" if rates else None


def describe_cores(cores: Sequence[Core]) -> str:
    """`4 × Cortex-A55 at 1.80 GHz, 4 × Cortex-A78 at 2.40 GHz`."""  # noqa: RUF002
    counted: dict[str, int] = {}
    for core in cores:
        speed = f" at {significant(core.max_frequency_khz / 1e6)} GHz" if core.max_frequency_khz else ""
        text = f"{core.name or 'core'}{speed}"
        counted[text] = counted.get(text, 0) + 1
    return ", ".join(f"{count} × {text}" for text, count in counted.items())  # noqa: RUF001


def _scheduling(section: Section) -> str:
    """How the kernel scheduled the processes: `nice 0, cpuset /`; several ways where they differ."""
    found = (process.scheduling for cell in section.cells for process in cell.processes)
    return "; ".join(dict.fromkeys(describe_scheduling(one) for one in found if one))


def describe_scheduling(scheduling: Scheduling) -> str:
    """`nice 0, cpuset /, cgroup 0::/, uclamp 0 to 1024 of 1024, oom_score_adj 0, timer slack 50 µs`."""
    low, high = scheduling.uclamp_min_per_1024, scheduling.uclamp_max_per_1024
    slack_ns = scheduling.timer_slack_ns
    parts = (
        ("nice", scheduling.nice),
        ("cpuset", scheduling.cpuset),
        ("cgroup", scheduling.cgroup),
        ("uclamp", None if low is None or high is None else f"{low} to {high} of 1024"),
        ("oom_score_adj", scheduling.oom_score_adj),
        ("timer slack", None if slack_ns is None else f"{significant(slack_ns / 1e3)} µs"),
    )
    known = [f"{name} {value}" for name, value in parts if value is not None]
    return ", ".join([*known, *([f"not read: {scheduling.unavailable}"] if scheduling.unavailable else [])])


def _task_profiles(section: Section) -> str:
    found = (process.task_profile for cell in section.cells for process in cell.processes)
    return "; ".join(dict.fromkeys(describe_task_profile(one) for one in found if one))


def describe_task_profile(profile: TaskProfile) -> str:
    """`top-app took hold in cpuset and cpu (uclamp 20 to 100 %)`; what did not, with the reason."""
    if not profile.took_hold:
        return f"asked for {profile.name}, not in effect: {profile.unavailable}"
    low, high = profile.uclamp_min_percent, profile.uclamp_max_percent
    bounds = "" if low is None or high is None else f" (uclamp {low:g} to {high:g} %)"
    missing = f"; {profile.unavailable}" if profile.unavailable else ""
    return f"{profile.name} took hold in {' and '.join(profile.took_hold)}{bounds}{missing}"


def _calibration(section: Section) -> str:
    found = [cell.artifact.calibration for cell in section.cells if cell.artifact.calibration]
    ways = {
        ", ".join(
            filter(None, (c.source, f"{c.images} images", c.observer, c.quantizer and f"by {c.quantizer}"))
        )
        for c in found
    }
    return ", ".join(sorted(ways))


def run_facts(run: Run) -> tuple[tuple[str, str], ...]:
    """What the run was made with."""
    versions = ", ".join(f"{name} {version}" for name, version in sorted(run.versions.items()))
    facts = (
        ("Run", run.id),
        ("Started", run.started_at),
        ("Finished", run.finished_at or "not finished: cells may be missing"),
        ("Versions", versions),
        ("Git revision", run.git_revision),
        ("Measured from", run.host),
        ("Seed", str(run.request.seed)),
    )
    return tuple((name, printable(text)) for name, text in facts if text)
