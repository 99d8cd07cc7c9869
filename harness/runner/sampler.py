"""Clocks and temperatures while a process runs, recorded on the device by `sampler.sh`; read strictly."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from harness.analysis.clusters import find_clusters
from harness.devices.thermal_zones import celsius_of
from harness.errors import ReportRejected
from harness.records import ConditionsSample, Core, Plan, SampledConditions
from harness.runner.job import Job
from harness.system.cpu_list import parse_cpu_list
from harness.system.text import excerpt

# A timed part takes a second at least. Longer ones are sampled less often: a hundred samples are enough.
SHORTEST_PERIOD_S = 0.5
MOST_EXPECTED = 100
MAX_SAMPLES = 5_000
MAX_SENSORS = 512

Value = TypeVar("Value")

_LINE = re.compile(
    r"cpus_allowed (?P<cpus>[0-9,-]{1,200})|core (?P<core>[0-9]{1,4})"
    r"|zone (?P<index>[0-9]{1,4}) (?P<zone>.{1,200})"
    r"|sample (?P<uptime>[0-9]{1,12}(\.[0-9]{1,6})?|\?) (?P<khz>[0-9_?,-]*) (?P<degrees>[0-9_?,-]*)"
)


def spare_cores(cores: Sequence[Core], plan: Plan) -> tuple[int, ...]:
    """The cores that a sampler may run on without being in the way; none where all are taken.

    Little ones, where measuring leaves some free. Threads that are not pinned leave no certain core free,
    but the scheduler keeps a sampler away from them while there are more cores than threads.
    """
    clusters = find_clusters(cores)
    if plan.cpus is None:
        return clusters["all"] if plan.threads < len(cores) else ()
    measured = frozenset(parse_cpu_list(plan.cpus) or ())
    free = frozenset(clusters["all"]) - measured
    return tuple(sorted(free & frozenset(clusters.get("little", ())) or free))


def sampler_words(cores: Sequence[Core], plan: Plan) -> str:
    """The arguments of `sampler.sh` for `Job.run`; empty when the plan has no sampler."""
    if not plan.sampler:
        return ""
    spare = spare_cores(cores, plan)
    mask = sum(1 << core for core in spare) if len(spare) < len(cores) else 0
    return f"conditions {period_s(plan):g} {mask:x}"


def period_s(plan: Plan) -> float:
    """Seconds between two samples."""
    return max(SHORTEST_PERIOD_S, plan.max_seconds / MOST_EXPECTED)


def read_samples(job: Job, plan: Plan) -> SampledConditions | None:
    """What the sampler of a process that has ended recorded; a loss is recorded, too, and no error."""
    if not plan.sampler:
        return None
    try:
        return parse_samples(job.fetch("samples"), period_s(plan))
    except ReportRejected as error:
        return SampledConditions(period_seconds=period_s(plan), unreadable={"samples": error.what})


def parse_samples(content: bytes, period_seconds: float) -> SampledConditions:
    """Read the sampler's file; what lacks, or is no number, counts as unreadable in that sample.

    Raises:
        ReportRejected: it is not such a file.
    """
    lines = content.decode("utf-8", "replace").split("\n")
    # The sampler is ended while it writes: what follows the last newline is not whole.
    matches = [match for line in lines[:-1] if (match := _LINE.fullmatch(line))]
    cores = tuple(int(match["core"]) for match in matches if match["core"])
    zones = _zone_names([(match["index"], excerpt(match["zone"])) for match in matches if match["zone"]])
    samples = tuple(_sample(match, len(cores), len(zones)) for match in matches if match["uptime"])
    if len(matches) < len(lines) - 1 or len(samples) > MAX_SAMPLES or len(cores) + len(zones) > MAX_SENSORS:
        raise ReportRejected("the sampler wrote a malformed file")
    return SampledConditions(
        period_seconds=period_seconds,
        cpus_allowed=next((match["cpus"] for match in matches if match["cpus"]), None),
        cores=cores,
        zones=zones,
        samples=samples,
        unreadable=_unreadable(cores, zones, samples),
    )


def _zone_names(found: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Each zone's type; with its index where several zones have that type."""
    often = Counter(name for _, name in found)
    return tuple(name if often[name] == 1 else f"{name} (zone {index})" for index, name in found)


def _sample(match: re.Match[str], cores: int, zones: int) -> ConditionsSample:
    uptime = match["uptime"]
    return ConditionsSample(
        uptime_seconds=None if uptime == "?" else float(uptime),
        frequencies_khz=_values(match["khz"], cores, _khz),
        celsius=_values(match["degrees"], zones, celsius_of),
    )


def _values(text: str, expected: int, parse: Callable[[str], Value | None]) -> tuple[Value | None, ...]:
    parts = text.split(",") if text else []
    if len(parts) != expected:
        raise ReportRejected(f"the sampler read {len(parts)} values of {expected}")
    return tuple(map(parse, parts))


def _khz(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 16 else None


def _unreadable(
    cores: Sequence[int], zones: Sequence[str], samples: Sequence[ConditionsSample]
) -> dict[str, str]:
    if not cores and not zones:
        return {"samples": "neither a clock nor a temperature can be read"}
    if not samples:
        return {"samples": "the process ended before the first"}
    names = [*(f"clock of core {core}" for core in cores), *(f"zone {zone}" for zone in zones)]
    looks = [(*sample.frequencies_khz, *sample.celsius) for sample in samples]
    missing = {name: values.count(None) for name, values in zip(names, zip(*looks, strict=True), strict=True)}
    return {name: f"in {count} of {len(looks)} samples" for name, count in missing.items() if count}
