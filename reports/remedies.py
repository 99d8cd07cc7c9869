"""What makes each check find its reason, and what to do about it: for the page; docs/verdicts.md has more."""

from dataclasses import dataclass

from harness.analysis.validity import energy_checks as energy
from harness.analysis.validity import environment_checks as environment
from harness.analysis.validity import result_checks as result
from harness.analysis.validity import sustained_checks as sustained


@dataclass(frozen=True)
class Remedy:
    """The threshold in words, and the fix as an order."""

    threshold: str
    fix: str


REMEDIES = {
    "failed": Remedy("any failure", "read the program's last output below, then harness run --resume"),
    "parity_failed": Remedy(
        "an output off by more than the precision's tolerance",
        "do not ship the file: the reason names the first stage whose output differs",
    ),
    "debug_build": Remedy(
        f"a build that is not {' or '.join(result.RELEASE_BUILDS)}",
        "build the bundle again: harness bundle build",
    ),
    "affinity_violated": Remedy(
        "other cores or another number of threads than planned",
        "choose cores that the device lets a shell use: --cores",
    ),
    "parity_unchecked": Remedy("no output was compared", "measure the cell again: harness run"),
    "undelegated": Remedy(
        "any operator outside XNNPACK",
        "change the network so that XNNPACK runs it whole; the reason names the operators",
    ),
    "own_undelegated": Remedy(
        "operators outside the delegates of an own program",
        "lower the program so that XNNPACK takes them; the reason names the operators",
    ),
    "threads_exceed_cores": Remedy(
        "more threads than cores", "use fewer threads, or more cores: --threads, --cores"
    ),
    "deadlines_missed": Remedy(
        "a period that ends without a result", "ship a cheaper variant, or ask for fewer: --rate"
    ),
    "cpuset_excludes_cores": Remedy(
        "fewer cores in the process's cpuset than were asked for",
        "start from a shell whose cpuset has all cores, or choose among those it has: --cores",
    ),
    "task_profile_not_applied": Remedy(
        "a process outside the control groups that were asked for",
        "read in the reason what kept it out, then use a shell that may, or leave out --task-profile",
    ),
    "emulated": Remedy(
        "a clock that is not real", "read the counts of instructions, and measure times on a real device"
    ),
    "counts_differ": Remedy(
        "counts of one thread that differ between processes",
        "measure again; if it stays, the program depends on its surroundings",
    ),
    "too_few_processes": Remedy(
        "under 5 processes, 2 where the clock is not real", "start more processes: --processes 5"
    ),
    "interval_too_wide": Remedy(
        f"an interval of more than ±{result.MAX_RELATIVE_HALF_WIDTH:.0%} of the median",
        "start more processes (--max-rounds), on an idle and cool device",
    ),
    "drifted": Remedy(
        f"process medians that change by {result.DRIFT_BETWEEN_PROCESSES:.0%} from first to last",
        "let the device cool longer: --cool-within, --max-cooling",
    ),
    "bimodal": Remedy(
        f"two groups of times {result.MODES_SEPARATION:.0%} apart",
        "pin the threads to one kind of core: --cores big",
    ),
    "interrupted": Remedy(
        f"over {result.INTERRUPTED_SHARE:.0%} of the inferences {result.INTERRUPTED_TIMES:g} times slower",
        "stop what else runs on the device, or use fewer threads than cores",
    ),
    "throttled": Remedy(
        f"a clock that fell by {environment.FREQUENCY_DROP:.0%}",
        "cool the device, or hold a clock that it can sustain: --tune-device",
    ),
    "above_max_temp": Remedy(
        "warmer than --max-temp after waiting", "wait longer (--max-cooling), or allow more (--max-temp)"
    ),
    "max_temp_unchecked": Remedy(
        "--max-temp without a temperature that can be read",
        "let the device rest before you measure, or measure on one whose temperature can be read",
    ),
    "canary_drift": Remedy(
        f"a kernel of fixed cost {environment.CANARY_DRIFT:.0%} slower than usual",
        "stop what else runs, and measure again",
    ),
    "memory_pressure": Remedy(
        f"available memory under {environment.MEMORY_TIMES_PEAK} times the peak",
        "close other apps, and measure again",
    ),
    "late_starts": Remedy(
        f"over 1 % of starts more than {environment.LATE_START_NS / 1e6:g} ms after their slots",
        "stop what else runs on the device, and measure again",
    ),
    "packed_cache_unused": Remedy(
        "a process that packed the weights into memory all the same",
        "free space on the device, or leave packed-cache out of --backend-options",
    ),
    "still_falling": Remedy(
        f"a last quarter that becomes {sustained.STILL_FALLING:.0%} slower", "run longer: --sustain 20m"
    ),
    "sustained_began_warm": Remedy(
        "warmer than the gate after waiting",
        "cool the device, wait longer (--max-cooling), or name its own limit (--max-temp)",
    ),
    "sustained_unavailable": Remedy(
        "a sustained run without figures", "find why in the reason, then run it again: harness run --sustain"
    ),
    "idle_power_changed": Remedy(
        f"idle windows that differ by {energy.IDLE_CHANGE:.0%} of the power of inference",
        "stop what else runs, let the device rest longer, and keep its display in one state",
    ),
    "energy_uncertain": Remedy(
        f"an interval of more than ±{energy.WIDE_SHARE:.0%}", "stop what else runs, or use a better meter"
    ),
    "energy_unavailable": Remedy(
        "energy without a figure", "read the reason; a meter can be read with --power-command"
    ),
    "busy": Remedy("a load above the number of cores", "stop what else runs on the device"),
    "outliers": Remedy(
        "single inferences far from the median", "nothing: they are kept and counted, the median hardly moves"
    ),
    "reduced_clock": Remedy(
        f"under {environment.REDUCED_CLOCK:.0%} of the maximum clock",
        "measure without --tune-device to see the speed of a short burst",
    ),
    "conditions_unreadable": Remedy(
        "a fact that could not be read", "nothing, or grant access: harness doctor says what helps"
    ),
}
# Of a check that this version does not know, in a run folder of a newer one.
UNKNOWN = Remedy("", "read the reason's sentence")
