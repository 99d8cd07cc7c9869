"""What one process cannot have measured: checked when its report arrives, and when a cell is read."""

from collections.abc import Iterator
from datetime import datetime

from harness.records import ProcessReport, SampledConditions
from harness.system.cpu_list import parse_cpu_list

# The kernel counts pages per core and adds them up late, so that a peak can be read below a size before it.
PEAK_SHARE = 0.5


def find_impossible(process: ProcessReport) -> Iterator[str]:
    """Each impossible figure as a sentence that names the field."""
    if process.round < 0:
        yield f"round is {process.round}"
    if not is_time(process.started_at):
        yield f"started_at is {process.started_at[:40]!r}, which is not a time"
    if process.warmup_cut > len(process.warmup_ns):
        yield f"warmup_cut is {process.warmup_cut}, of {len(process.warmup_ns)} warm-up iterations"
    if process.cpus_allowed and parse_cpu_list(process.cpus_allowed) is None:
        yield f"cpus_allowed is {process.cpus_allowed[:40]!r}, which is not a list of cores"
    if process.threads_used is not None and process.threads_used < 1:
        yield f"threads_used is {process.threads_used}"
    for name in ("instructions_per_inference", "cycles_per_inference"):
        if getattr(process, name) == 0:
            yield f"{name} is 0: an inference takes some"
    yield from _memory(process)
    if process.sampled is not None:
        yield from find_impossible_samples(process.sampled)


def _memory(process: ProcessReport) -> Iterator[str]:
    sizes = {
        name: size
        for name in ("rss_start_bytes", "rss_loaded_bytes", "rss_initialized_bytes", "rss_end_bytes")
        if (size := getattr(process, name)) is not None
    }
    if process.peak_rss_bytes is None or not sizes:
        return
    name, size = max(sizes.items(), key=lambda item: item[1])
    if process.peak_rss_bytes < PEAK_SHARE * size:
        yield f"peak_rss_bytes is {process.peak_rss_bytes}, below its {name} {size}"


def find_impossible_samples(sampled: SampledConditions) -> Iterator[str]:
    """The same of what was sampled beside a process."""
    if sampled.period_seconds == 0:
        yield "sampled.period_seconds is 0"
    if len(set(sampled.cores)) < len(sampled.cores) or any(core < 0 for core in sampled.cores):
        yield f"sampled.cores are {list(sampled.cores)[:20]}"
    wanted = (len(sampled.cores), len(sampled.zones))
    odd = [one for one in sampled.samples if (len(one.frequencies_khz), len(one.celsius)) != wanted]
    if odd:
        yield (
            f"sampled: {len(odd)} of {len(sampled.samples)} samples are not of"
            f" {wanted[0]} cores and {wanted[1]} zones"
        )


def is_time(text: str) -> bool:
    """Whether the text is a time as the harness writes it."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
