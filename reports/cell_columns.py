"""The columns of `cells.csv`: raw figures of one cell, with units in the columns' names."""

import re
from statistics import median_low

from harness.analysis.paced_figures import response_p99_ns
from harness.analysis.published import published_accuracy
from harness.records import (
    Accuracy,
    Cell,
    ColdStartup,
    Energy,
    Interval,
    Latency,
    Memory,
    PairedDrop,
    Startup,
    Sustained,
)

CellRow = dict[str, str | int | float | None]
_Value = str | int | float | None


# Columns that are emulated or virtual time where the `clock` column is not `real`.
TIME_COLUMNS = re.compile(
    r"latency_\w+|(?:cold_|first_launch_)?(?:load|init|first_inference|startup)_\w+_ns|pace_\w+"
    r"|sustained_\w+_ns"
)


def row_of(run_id: str, cell: Cell) -> CellRow:
    """All columns, in their order; None where a figure is missing."""
    return {
        "run_id": run_id,
        **_identity(cell),
        **_latency(cell.latency),
        **_pace(cell),
        "instructions_per_inference": cell.instructions_per_inference,
        **_counts(cell),
        **_startup(cell.startup),
        "init_instructions": cell.startup.init_instructions if cell.startup else None,
        **_cold(cell.cold),
        **_first_launch(cell),
        **_sustained(cell.sustained),
        **_energy(cell.energy),
        **_scheduling(cell),
        **_task_profile(cell),
        "held_clocks": "; ".join(
            f"cores {clock.cores}: {clock.held_khz} of {clock.max_khz} kHz" for clock in cell.held_clocks
        ),
        **_memory(cell.memory),
        **_accuracy(cell.accuracy),
        **_published(cell),
        "parity_passed": None if cell.parity is None else str(cell.parity.passed).lower(),
        "parity_max_abs_error": cell.parity.max_abs_error if cell.parity else None,
        "first_mismatch_at": _first_mismatch(cell),
        "status": cell.verdict.status,
        "reasons": "; ".join(f"{reason.code}: {reason.detail}" for reason in cell.verdict.reasons),
        "failure": cell.failure.what if cell.failure else None,
    }


def _identity(cell: Cell) -> dict[str, _Value]:
    variant, device, artifact = cell.variant, cell.device, cell.artifact
    return {
        "device": device.name,
        "device_kind": device.kind,
        "device_model": device.model,
        "soc": device.soc,
        "os": device.os,
        "kernel": device.kernel,
        "page_size_bytes": device.page_size_bytes,
        "boot_id": device.boot_id,
        "transport": device.transport,
        "abi": device.abi,
        "clock": device.clock,
        "model": variant.model,
        "method": variant.method,
        "width": variant.width,
        "resolution_px": variant.resolution_px,
        "precision": variant.precision,
        "runtime": variant.runtime,
        "padding": variant.padding,
        "classes": variant.classes,
        "weights": variant.weights.source,
        "weights_sha256": variant.weights.sha256,
        "weights_entry": variant.weights.entry,
        "weights_remarks": "; ".join(variant.weights.remarks) or None,
        "weights_seed": variant.weights.seed,
        "threads": cell.plan.threads,
        "cpus": cell.plan.cpus,
        "rate_hz": cell.plan.rate_hz,
        "backend_options": cell.plan.backend_options,
        "artifact_sha256": artifact.sha256,
        "artifact_size_bytes": artifact.size_bytes,
        "macs": artifact.macs,
        "params": artifact.params,
        "delegated_nodes": artifact.delegated_nodes,
        "undelegated_nodes": len(artifact.undelegated_nodes),
    }


def _latency(latency: Latency | None) -> dict[str, _Value]:
    """Emulated or virtual where the `clock` column is not `real`."""
    return {
        "latency_median_ns": latency.median_ns.estimate if latency else None,
        "latency_median_low_ns": latency.median_ns.low if latency else None,
        "latency_median_high_ns": latency.median_ns.high if latency else None,
        "latency_median_confidence": latency.median_ns.confidence if latency else None,
        "latency_p90_ns": latency.p90_ns if latency else None,
        "latency_p99_ns": latency.p99_ns if latency else None,
        **_ends("latency_p90", latency.p90_interval_ns if latency else None),
        **_ends("latency_p99", latency.p99_interval_ns if latency else None),
        "latency_min_ns": latency.min_ns if latency else None,
        "latency_max_ns": latency.max_ns if latency else None,
        "processes": latency.processes if latency else None,
        "samples": latency.samples if latency else None,
        "outliers": latency.outliers if latency else None,
    }


def _pace(cell: Cell) -> dict[str, _Value]:
    """Empty where inferences ran back to back."""
    pace, p99 = cell.pace, response_p99_ns(cell)
    names = ("period_ns", "periods", "missed", "missed_share", "skipped")
    figures = (*names, "lateness_median_ns", "lateness_p99_ns", "lateness_max_ns", "duty_cycle")
    columns: dict[str, _Value] = {f"pace_{name}": getattr(pace, name) if pace else None for name in figures}
    return {**columns, "pace_p99_ns": p99.estimate if p99 else None, **_ends("pace_p99", p99)}


def _ends(name: str, interval: Interval | None) -> dict[str, _Value]:
    return {
        f"{name}_low_ns": interval.low if interval else None,
        f"{name}_high_ns": interval.high if interval else None,
    }


def _counts(cell: Cell) -> dict[str, _Value]:
    """Medians over the processes whose counters could be read."""
    columns: dict[str, _Value] = {}
    for name in ("cycles", "cache_misses", "branch_misses"):
        counts = [getattr(process, f"{name}_per_inference") for process in cell.processes]
        known = [count for count in counts if count is not None]
        columns[f"{name}_per_inference"] = median_low(known) if known else None
    return columns


def _startup(startup: Startup | None) -> dict[str, _Value]:
    phases = {
        "load": startup.load_ns if startup else None,
        "init": startup.init_ns if startup else None,
        "first_inference": startup.first_ns if startup else None,
        "startup": startup.total_ns if startup else None,
    }
    columns: dict[str, _Value] = {}
    for name, interval in phases.items():
        columns[f"{name}_median_ns"] = interval.estimate if interval else None
        columns |= _ends(f"{name}_median", interval)
    return columns


def _cold(cold: ColdStartup | None) -> dict[str, _Value]:
    columns = {f"cold_{name}": value for name, value in _startup(cold.startup if cold else None).items()}
    columns["cold_processes"] = sum(one.is_cold for one in cold.processes) if cold else None
    columns["cold_unavailable"] = cold.unavailable if cold else None
    return columns


def _first_launch(cell: Cell) -> dict[str, _Value]:
    first = cell.first_launch
    columns = {f"first_launch_{name}": value for name, value in _startup(first).items()}
    columns["first_launch_init_instructions"] = first.init_instructions if first else None
    used = [process.packed_cache for process in cell.processes if process.packed_cache]
    columns["packed_cache_bytes"] = max((one.file_bytes for one in used), default=None)
    return columns


def _sustained(sustained: Sustained | None) -> dict[str, _Value]:
    run, figures = (sustained.run, sustained.figures) if sustained else (None, None)
    drop = figures.drop if figures else None
    fell = drop.fell if drop else None
    plateau = figures.plateau_ns if figures else None
    return {
        "sustained_seconds": sustained.seconds if sustained else None,
        "sustained_initial_ns": figures.initial_ns if figures else None,
        "sustained_plateau_ns": plateau.estimate if plateau else None,
        "sustained_plateau_low_ns": plateau.low if plateau else None,
        "sustained_plateau_high_ns": plateau.high if plateau else None,
        "sustained_retained": figures.retained if figures else None,
        "sustained_drop_second": drop.second if drop else None,
        "sustained_fell": fell.name if fell else None,
        "sustained_fell_before": fell.before if fell else None,
        "sustained_fell_after": fell.after if fell else None,
        "sustained_unavailable": sustained.unavailable if sustained else None,
        "sustained_fell_unknown": drop.unknown if drop else None,
        "sustained_began_celsius": run.began_celsius if run else None,
        "sustained_limit_celsius": run.max_temp_celsius if run else None,
    }


def _energy(energy: Energy | None) -> dict[str, _Value]:
    figures = energy.figures if energy else None
    run = energy.run if energy else None
    net = figures.net_joules if figures else None
    windows = (run.idle_before, run.load, run.idle_after) if run else ()
    return {
        "energy_net_joules": net.estimate if net else None,
        "energy_net_low_joules": net.low if net else None,
        "energy_net_high_joules": net.high if net else None,
        "energy_gross_joules": figures.gross_joules if figures else None,
        "energy_mean_watts": figures.mean_watts if figures else None,
        "energy_idle_before_watts": figures.idle_before_watts if figures else None,
        "energy_idle_after_watts": figures.idle_after_watts if figures else None,
        "energy_fewest_updates": min((window.updates for window in windows), default=None),
        "energy_inferences": run.inferences if run else None,
        "energy_source": run.source.name if run else None,
        "energy_covers": run.source.covers if run else None,
        "energy_unavailable": energy.unavailable if energy else None,
    }


def _scheduling(cell: Cell) -> dict[str, _Value]:
    """Of all processes: one value where they agree."""
    found = [process.scheduling for process in cell.processes if process.scheduling]
    names = ("cgroup", "cpuset", "uclamp_min_per_1024", "uclamp_max_per_1024", "oom_score_adj")
    columns: dict[str, _Value] = {}
    for name in (*names, "timer_slack_ns", "nice"):
        values = [value for one in found if (value := getattr(one, name)) is not None]
        distinct = tuple(dict.fromkeys(values))
        columns[name] = distinct[0] if len(distinct) == 1 else "; ".join(map(str, distinct)) or None
    return columns


def _task_profile(cell: Cell) -> dict[str, _Value]:
    found = [process.task_profile for process in cell.processes if process.task_profile]
    reasons = dict.fromkeys(one.unavailable for one in found if one.unavailable)
    return {
        "task_profile": cell.plan.task_profile,
        "task_profile_took_hold": "; ".join(dict.fromkeys(", ".join(one.took_hold) for one in found)) or None,
        "task_profile_unavailable": "; ".join(reasons) or None,
    }


def _memory(memory: Memory | None) -> dict[str, _Value]:
    detail = memory.detail if memory else None
    phases = ("rss_start", "rss_loaded", "rss_initialized", "peak_rss", "planned_arena")
    details = (
        "pss_initialized",
        "private_dirty_initialized",
        "pss_end",
        "private_dirty_end",
        "dumpsys_pss",
    )
    columns: dict[str, _Value] = {}
    columns |= {f"{name}_bytes": getattr(memory, f"{name}_bytes") if memory else None for name in phases}
    columns |= {f"{name}_bytes": getattr(detail, f"{name}_bytes") if detail else None for name in details}
    return columns


def _accuracy(accuracy: Accuracy | None) -> dict[str, _Value]:
    return {
        "measured_top1_percent": accuracy.top1.estimate * 100 if accuracy else None,
        "measured_top1_low_percent": accuracy.top1.low * 100 if accuracy else None,
        "measured_top1_high_percent": accuracy.top1.high * 100 if accuracy else None,
        "measured_top5_percent": accuracy.top5.estimate * 100 if accuracy else None,
        "measured_images": accuracy.images if accuracy else None,
        "measured_dataset": f"{accuracy.dataset} {accuracy.split}" if accuracy else None,
        "measured_on": accuracy.measured_on if accuracy else None,
        "unreadable_images": accuracy.unreadable if accuracy else None,
        "accuracy_remarks": ("; ".join(accuracy.remarks) or None) if accuracy else None,
        "agreement_with_eager": accuracy.agreement_with_eager if accuracy else None,
        **_drop(accuracy.drop_from_fp32 if accuracy else None),
    }


def _drop(drop: PairedDrop | None) -> dict[str, _Value]:
    """Percentage points, paired on the same images; positive where accuracy is lower than in fp32."""
    return {
        "drop_from_fp32_pp": drop.drop_pp.estimate if drop else None,
        "drop_from_fp32_low_pp": drop.drop_pp.low if drop else None,
        "drop_from_fp32_high_pp": drop.drop_pp.high if drop else None,
        "drop_from_fp32_p_value": drop.p_value if drop else None,
    }


def _published(cell: Cell) -> dict[str, _Value]:
    published = published_accuracy(cell.variant)
    return {
        "published_not_measured_top1_percent": published.top1 * 100 if published else None,
        "published_not_measured_top5_percent": published.top5 * 100 if published else None,
    }


def _first_mismatch(cell: Cell) -> str | None:
    """The first stage whose output differs, for the reference input or else for the evaluated images."""
    found = cell.parity.first_mismatch_at if cell.parity else None
    return found or (cell.accuracy.first_mismatch_at if cell.accuracy else None)
