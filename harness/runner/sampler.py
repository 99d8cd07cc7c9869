"""Clocks and temperatures while a process runs, recorded on the device by `sampler.sh`; read strictly."""

import re
from collections import Counter
from collections.abc import Sequence

from harness.analysis.clusters import find_clusters
from harness.analysis.validity.environment_checks import CLOCKS_UNWATCHED
from harness.devices.probe import parse_khz
from harness.devices.thermal_zones import Families, celsius_of, find_families, is_temperature
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
# Android's thermal HAL is asked before and after a process only: each question starts `dumpsys`.
TEMPERATURES_UNWATCHED = "temperatures while a process ran"

_LINE = re.compile(
    r"cpus_allowed (?P<cpus>[0-9,-]{1,200})|core (?P<core>[0-9]{1,4})"
    r"|zone (?P<index>[0-9]{1,4}|hwmon[0-9]{1,4}\.[0-9]{1,4}) (?P<zone>.{1,200})"
    r"|left_out (?P<left_out>[0-9]{1,4})"
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


def sampler_words(cores: Sequence[Core], plan: Plan, *, period: float | None = None) -> str:
    """The arguments of `sampler.sh` for `Job.run`; empty when the plan has no sampler.

    `period` is in seconds, by default that of the plan. A process with another may take hours: the device's
    lock is kept then, also where nothing is sampled.
    """
    if not plan.sampler:
        return "lock" if period else ""
    spare = spare_cores(cores, plan)
    mask = sum(1 << core for core in spare) if len(spare) < len(cores) else 0
    return f"conditions {period or period_s(plan):g} {mask:x}{' lock' if period else ''}"


def period_s(plan: Plan) -> float:
    """Seconds between two samples."""
    return max(SHORTEST_PERIOD_S, plan.max_seconds / MOST_EXPECTED)


def read_samples(job: Job, plan: Plan, *, period: float | None = None) -> SampledConditions | None:
    """What the sampler of a process that has ended recorded; a loss is recorded, too, and no error."""
    if not plan.sampler:
        return None
    seconds = period or period_s(plan)
    try:
        return parse_samples(job.fetch("samples"), seconds)
    except ReportRejected as error:
        return SampledConditions(period_seconds=seconds, unreadable={"samples": error.what})


def parse_samples(content: bytes, period_seconds: float) -> SampledConditions:
    """Read the sampler's file; what lacks, or is not a number, counts as unreadable in that sample.

    A line that is not the sampler's or repeats a sensor is passed over and counted, and so is a sample with
    another number of values. A zone whose figures are no temperatures is left out.

    Raises:
        ReportRejected: no line is the sampler's, or there are more than it writes.
    """
    # The sampler is ended while it writes: what follows the last newline is not whole.
    lines = [line.rstrip("\r") for line in content.decode("utf-8", "replace").split("\n")[:-1]]
    matches = [match for line in lines if (match := _LINE.fullmatch(line))]
    cores = tuple(dict.fromkeys(int(match["core"]) for match in matches if match["core"]))
    zones = {match["index"]: excerpt(match["zone"]) for match in matches if match["zone"]}
    taken = [match for match in matches if match["uptime"]]
    if (lines and not matches) or len(taken) > MAX_SAMPLES or len(cores) + len(zones) > MAX_SENSORS:
        raise ReportRejected("the sampler wrote a malformed file")
    whole = [match for match in taken if _counts(match) == (len(cores), len(zones))]
    kept = _places_of_temperatures(list(zones.values()), whole)
    names = _zone_names([list(zones.items())[place] for place in kept])
    types = {place: list(zones.values())[place] for place in kept}
    rows = [_parts(match["degrees"]) for match in whole]
    families = find_families((zone, row[place]) for row in rows for place, zone in types.items())
    samples = tuple(_sample(match, types, families) for match in whole)
    allowed = [match["cpus"] for match in matches if match["cpus"]]
    left_out = [int(match["left_out"]) for match in matches if match["left_out"]]
    used = len(allowed) + len(cores) + len(zones) + len(whole) + len(left_out)
    return SampledConditions(
        period_seconds=period_seconds,
        cpus_allowed=allowed[0] if allowed else None,
        cores=cores,
        zones=names,
        samples=samples,
        unreadable=_unreadable(cores, names, samples)
        | _left_out(left_out, len(zones))
        | _odd_lines(len(lines) - used, len(lines)),
    )


def _places_of_temperatures(types: Sequence[str], samples: Sequence[re.Match[str]]) -> list[int]:
    """The columns of the zones that some figure shows to be a temperature; all without a sample."""
    rows = [_parts(sample["degrees"]) for sample in samples]
    return [
        place
        for place, zone in enumerate(types)
        if not rows or any(is_temperature(zone, row[place]) for row in rows)
    ]


def _sample(match: re.Match[str], zones: dict[int, str], families: Families) -> ConditionsSample:
    degrees = _parts(match["degrees"])
    return ConditionsSample(
        uptime_seconds=None if match["uptime"] == "?" else float(match["uptime"]),
        frequencies_khz=tuple(map(parse_khz, _parts(match["khz"]))),
        celsius=tuple(celsius_of(degrees[place], zone, families) for place, zone in zones.items()),
    )


def _odd_lines(odd: int, of: int) -> dict[str, str]:
    return {"lines": f"{odd} of {of} are not the sampler's, or not whole"} if odd else {}


def _left_out(counts: Sequence[int], sampled: int) -> dict[str, str]:
    """Reading all the sensors of a phone, up to a hundred, would disturb the program."""
    left_out = max(counts, default=0)
    return {"zones": f"{left_out} of {left_out + sampled} are not sampled"} if left_out else {}


def _zone_names(found: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Each zone's type; with its index where several zones have that type."""
    often = Counter(name for _, name in found)
    return tuple(name if often[name] == 1 else f"{name} (zone {index})" for index, name in found)


def _counts(sample: re.Match[str]) -> tuple[int, int]:
    return len(_parts(sample["khz"])), len(_parts(sample["degrees"]))


def _parts(text: str) -> list[str]:
    return text.split(",") if text else []


def _unreadable(
    cores: Sequence[int], zones: Sequence[str], samples: Sequence[ConditionsSample]
) -> dict[str, str]:
    if not cores and not zones:
        return {
            CLOCKS_UNWATCHED: "neither a clock nor a temperature can be read",
            TEMPERATURES_UNWATCHED: "neither a clock nor a temperature can be read",
        }
    unwatched = {} if cores else {CLOCKS_UNWATCHED: "no core's clock can be read"}
    unwatched |= {} if zones else {TEMPERATURES_UNWATCHED: "the temperature of no zone or chip can be read"}
    if not samples:
        return unwatched | {"samples": "the process ended before the first"}
    names = [*(f"clock of core {core}" for core in cores), *(f"zone {zone}" for zone in zones)]
    looks = [(*sample.frequencies_khz, *sample.celsius) for sample in samples]
    missing = {name: values.count(None) for name, values in zip(names, zip(*looks, strict=True), strict=True)}
    return unwatched | {
        name: f"in {count} of {len(looks)} samples" for name, count in missing.items() if count
    }
