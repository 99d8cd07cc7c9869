"""Records with plain figures for tests that need exact control; every argument can be replaced."""

from typing import Any

from harness.analysis.cells import build_cell
from harness.records import (
    Artifact,
    Cell,
    Conditions,
    Core,
    DeviceInfo,
    Failure,
    Parity,
    Plan,
    ProcessReport,
    TensorSpec,
    Variant,
)

QUIET = Conditions(
    uptime_seconds=1000.0,
    frequencies_khz=(1_800_000,) * 4,
    governors=("performance",) * 4,
    load_average_1min=0.3,
    memory_available_bytes=2_000_000_000,
    thermal_status=0,
    throttled_flags=0,
)


def make_device(**changes: Any) -> DeviceInfo:
    facts: dict[str, Any] = {
        "name": "pi4",
        "kind": "raspberry_pi",
        "transport": "ssh",
        "abi": "arm64-v8a",
        "clock": "real",
        "model": "Raspberry Pi 4 Model B",
        "os": "Debian 12",
        "cores": tuple(
            Core(index=i, name="Cortex-A72", max_frequency_khz=1_800_000, capacity=1024) for i in range(4)
        ),
        "memory_total_bytes": 4_000_000_000,
    }
    return DeviceInfo(**facts | changes)


def make_artifact(**changes: Any) -> Artifact:
    facts: dict[str, Any] = {
        "variant": Variant(width=0.5, resolution_px=128, precision="fp32"),
        "sha256": "a" * 64,
        "size_bytes": 5_300_000,
        "macs": 49_200_000,
        "params": 1_340_000,
        "delegates": 1,
        "delegated_nodes": 85,
        "undelegated_nodes": (),
        "planned_arena_bytes": 200_000,
        "input": TensorSpec(dtype="float32", sizes=(1, 3, 128, 128), dim_order=(0, 2, 3, 1)),
        "output": TensorSpec(dtype="float32", sizes=(1, 1000), dim_order=(0, 1)),
        "calibration": None,
        "versions": {"executorch": "1.5.1", "torch": "2.13.0"},
        "lowering_seconds": 4.0,
        "reference_input_sha256": "b" * 64,
        "reference_output_sha256": "c" * 64,
    }
    return Artifact(**facts | changes)


def make_plan(**changes: Any) -> Plan:
    facts: dict[str, Any] = {
        "threads": 1,
        "processes": 6,
        "warmup_iterations": 5,
        "min_iterations": 20,
        "min_seconds": 1.0,
        "max_seconds": 10.0,
        "counted_iterations": 3,
        "seed": 0,
    }
    return Plan(**facts | changes)


def make_process(round: int = 0, median_ns: int = 10_000_000, **changes: Any) -> ProcessReport:
    """A quiet process whose thirty iterations spread by 0.2 % around `median_ns`."""
    facts: dict[str, Any] = {
        "round": round,
        "started_at": f"2026-01-01T00:{round:02}:00Z",
        "build_type": "Release",
        "load_ns": 4_000_000,
        "init_ns": 20_000_000,
        "first_ns": 2 * median_ns,
        "warmup_ns": (median_ns * 3 // 2,) * 5,
        "latencies_ns": tuple(median_ns + median_ns * (i * 7 % 31 - 15) // 15_000 for i in range(31)),
        "rss_start_bytes": 5_000_000,
        "rss_loaded_bytes": 11_000_000,
        "rss_initialized_bytes": 17_000_000,
        "rss_end_bytes": 17_500_000,
        "peak_rss_bytes": 18_000_000,
        "threads_used": 1,
        "cpus_allowed": "0-3",
        "instructions_per_inference": None,
        "cycles_per_inference": None,
        "counters_unavailable": "not permitted",
        "conditions_before": QUIET,
        "conditions_after": QUIET,
    }
    return ProcessReport(**facts | changes)


def make_processes(*medians_ns: int, **changes: Any) -> tuple[ProcessReport, ...]:
    """One process a median, a minute apart."""
    return tuple(make_process(round, median, **changes) for round, median in enumerate(medians_ns))


PASSED = Parity(max_abs_error=1e-6, tolerance=1e-4, cosine=1.0, top1_agrees=True, passed=True)
STEADY_MEDIANS = (10_010_000, 9_990_000, 10_000_000, 10_020_000, 9_980_000, 10_005_000)


def make_cell(
    medians_ns: tuple[int, ...] = STEADY_MEDIANS,
    *,
    device: DeviceInfo | None = None,
    artifact: Artifact | None = None,
    plan: Plan | None = None,
    processes: tuple[ProcessReport, ...] | None = None,
    parity: Parity | None = PASSED,
    failure: Failure | None = None,
) -> Cell:
    """A cell as the harness builds it, verdict included; valid unless an argument spoils it."""
    return build_cell(
        device or make_device(),
        artifact or make_artifact(),
        plan or make_plan(),
        make_processes(*medians_ns) if processes is None else processes,
        parity,
        failure,
    )
