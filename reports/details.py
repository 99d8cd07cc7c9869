"""What the page's drawer says of one cell beyond the table."""

from collections import Counter

from harness.analysis.paced_figures import misses_text
from harness.analysis.parity import PLACES
from harness.records import Cell, Interval
from harness.system.text import printable
from reports.clocks import held_clock_text
from reports.energy import energy_details
from reports.numbers import MISSING, significant, with_ends
from reports.sections import weights_text
from reports.sustained import drop_text

Detail = tuple[str, str]
# Of an own program, by how often each is called.
MOST_OPERATORS = 8


def describe_details(cell: Cell) -> tuple[Detail, ...]:
    """Name and text of each figure that the cell has."""
    found = [*_times(cell), *_memory(cell), *_accuracy(cell), *_program(cell)]
    return tuple((name, text) for name, text in found if text and text != MISSING)


def _times(cell: Cell) -> list[Detail]:
    details: list[Detail] = []
    latency, startup = cell.latency, cell.startup
    if latency and not cell.device.emulated:
        details += [
            ("p90 latency", _ms(latency.p90_interval_ns)),
            ("p99 latency", _ms(latency.p99_interval_ns)),
            (
                "fastest to slowest",
                f"{significant(latency.min_ns / 1e6)} to {significant(latency.max_ns / 1e6)} ms",
            ),
        ]
    if latency:
        outliers = f", {latency.outliers:,} outliers" if latency.outliers else ""
        details.append(
            ("measured", f"{latency.processes} processes, {latency.samples:,} inferences{outliers}")
        )
    if cell.pace and not cell.device.emulated:
        pace = cell.pace
        details += [
            ("deadlines", misses_text(pace)),
            (
                "late starts",
                f"{significant(pace.lateness_median_ns / 1e6)} ms, p99"
                f" {significant(pace.lateness_p99_ns / 1e6)} ms, at most"
                f" {significant(pace.lateness_max_ns / 1e6)} ms",
            ),
            ("duty cycle", f"{significant(100 * pace.duty_cycle)} %"),
        ]
    if startup and not cell.device.emulated:
        details += [
            ("load", _ms(startup.load_ns)),
            ("initialize", _ms(startup.init_ns)),
            ("first inference", _ms(startup.first_ns)),
        ]
    if startup and startup.init_instructions:
        details.append(("initialize, instructions", f"{startup.init_instructions:,}"))
    details += _first_launch(cell)
    cold = cell.cold and cell.cold.startup
    if cold and not cell.device.emulated:
        details += [
            ("cold load", _ms(cold.load_ns)),
            ("cold initialize", _ms(cold.init_ns)),
            ("cold first inference", _ms(cold.first_ns)),
        ]
    if cell.cold and cell.cold.unavailable:
        details.append(("cold start-up", printable(cell.cold.unavailable)))
    if cell.sustained and cell.sustained.figures and not cell.device.emulated:
        figures = cell.sustained.figures
        details += [
            ("sustained", f"{_ms(figures.plateau_ns)} at the end of {cell.sustained.seconds:,} s"),
            ("retained", f"{significant(100 * figures.retained)} % of the first ten seconds' speed"),
            ("first drop", drop_text(figures.drop)),
        ]
    elif cell.sustained and cell.sustained.unavailable:
        details.append(("sustained", printable(cell.sustained.unavailable)))
    details += energy_details(cell)
    details.append(("clock held", held_clock_text(cell)))
    return details


def _first_launch(cell: Cell) -> list[Detail]:
    """What packing the weights and writing them to the packed cache costs once."""
    first = cell.first_launch
    if first is None:
        return []
    details = []
    if not cell.device.emulated:
        details += [
            ("first launch, load to first inference", _ms(first.total_ns)),
            ("first launch, initialize", _ms(first.init_ns)),
        ]
    if first.init_instructions:
        details.append(("first launch, initialize, instructions", f"{first.init_instructions:,}"))
    sizes = [one.packed_cache.file_bytes for one in cell.processes if one.packed_cache]
    details.append(("packed cache, file", f"{significant(max(sizes) / 1e6)} MB"))
    return details


def _memory(cell: Cell) -> list[Detail]:
    memory = cell.memory
    if memory is None:
        return []
    phases = (
        ("RSS at start", memory.rss_start_bytes),
        ("RSS loaded", memory.rss_loaded_bytes),
        ("RSS initialized", memory.rss_initialized_bytes),
        ("Pss at end", memory.detail.pss_end_bytes if memory.detail else None),
        ("planned arena", memory.planned_arena_bytes),
    )
    return [(name, f"{significant(size / 1e6)} MB") for name, size in phases if size]


def _accuracy(cell: Cell) -> list[Detail]:
    accuracy = cell.accuracy
    details: list[Detail] = []
    if accuracy:
        details.append(("top-5", f"{100 * accuracy.top5.estimate:.1f} %"))
        details.append(
            (
                "evaluated on",
                f"{printable(accuracy.dataset)} {printable(accuracy.split)}, {accuracy.images:,} images",
            )
        )
    if accuracy and accuracy.drop_from_fp32:
        drop = accuracy.drop_from_fp32.drop_pp
        details.append(("below fp32", f"{drop.estimate:z.2f} ({drop.low:z.2f} to {drop.high:z.2f}) points"))
    if cell.parity:
        passed = "passed" if cell.parity.passed else "failed"
        stage = cell.parity.first_mismatch_at
        where = f", first mismatch: {PLACES[stage]}" if stage else ""
        details.append(
            ("parity", f"{passed}, largest error {significant(cell.parity.max_abs_error, 2)}{where}")
        )
    return details


def _program(cell: Cell) -> list[Detail]:
    artifact = cell.artifact
    if artifact.macs is None or artifact.params is None:
        return _own_program(cell)
    inside, outside = artifact.delegated_nodes, len(artifact.undelegated_nodes)
    return [
        ("multiply-accumulates", f"{significant(artifact.macs / 1e6, 4)} M"),
        ("parameters", f"{significant(artifact.params / 1e6)} M"),
        # Of other runtimes than ExecuTorch it is not known.
        ("delegated", MISSING if inside is None else f"{inside} operators in XNNPACK, {outside} outside"),
        ("weights", weights_text(cell.variant.weights)),
    ]


def _own_program(cell: Cell) -> list[Detail]:
    """What the user's own program says of itself."""
    artifact = cell.artifact
    outside = Counter(artifact.undelegated_nodes)
    listed = ", ".join(f"{printable(name)} ({count})" for name, count in outside.most_common(MOST_OPERATORS))
    more = len(outside) - MOST_OPERATORS
    return [
        ("program", f"{weights_text(cell.variant.weights)}, method {cell.variant.method}"),
        ("inputs", ", ".join(spec.text for spec in artifact.all_inputs)),
        ("outputs", ", ".join(spec.text for spec in artifact.all_outputs)),
        ("delegates", printable(", ".join(artifact.delegate_ids)) or "none"),
        ("operators outside", (listed or "none") + (f" and {more} more" if more > 0 else "")),
    ]


def _ms(interval: Interval | None) -> str:
    if interval is None:
        return MISSING
    return f"{with_ends(interval.estimate / 1e6, interval.low / 1e6, interval.high / 1e6)} ms"
