"""Realistic cells without a device: a seeded model of times, memory and conditions, for tests of reports.

Figures follow a roofline-like law with noise, drift and rare outliers; none of them is a measurement.
"""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from harness import records
from harness.analysis.validity.verdict import CHECKS
from harness.records import Cell, DeviceInfo, Run, Variant

MACS = {1.0: 568.7e6, 0.75: 325.4e6, 0.5: 149.5e6, 0.25: 41.0e6}
PARAMS = {1.0: 4.24e6, 0.75: 2.59e6, 0.5: 1.34e6, 0.25: 0.47e6}

PHONE = DeviceInfo(
    name="pixel",
    kind="android",
    transport="adb",
    abi="arm64-v8a",
    clock="real",
    model="Pixel 6",
    soc="Tensor GS101",
    os="Android 14",
    kernel="5.10.157",
    cores=tuple(
        records.Core(index=i, name=name, max_frequency_khz=khz)
        for i, (name, khz) in enumerate(
            [("Cortex-A55", 1_803_000)] * 4 + [("Cortex-A76", 2_253_000)] * 2 + [("Cortex-X1", 2_802_000)] * 2
        )
    ),
    memory_total_bytes=7_800_000_000,
)
EMULATOR = DeviceInfo(
    name="emulator:cortex-a76",
    kind="emulator",
    transport="local",
    abi="arm64-v8a",
    clock="emulated",
    model="QEMU user mode, cortex-a76",
    os="Debian GNU/Linux 12",
)
VM = DeviceInfo(
    name="arm-vm",
    kind="arm_vm",
    transport="adb",
    abi="arm64-v8a",
    clock="virtual",
    model="QEMU virt machine",
    os="Debian GNU/Linux 12",
)

HOSTILE_NAME = "=cmd|' /C calc'!A0"
HOSTILE_MODEL = "<script>alert(1)</script>\x1b[31m $\\frac$ | `x` \u202e @everyone \u624b\u673a"


@dataclass(frozen=True)
class Written:
    """A report and the cells it is of."""

    folder: Path
    cells: tuple[Cell, ...]

    def read(self, name: str) -> str:
        """The text of one of its files."""
        return (self.folder / name).read_text(encoding="utf-8")


def make_cells(
    device: DeviceInfo = PHONE,
    *,
    widths: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0),
    resolutions_px: tuple[int, ...] = (128, 160, 192, 224),
    precisions: tuple[records.Precision, ...] = ("fp32", "int8"),
    threads: tuple[int, ...] = (1,),
    seed: int = 0,
) -> tuple[Cell, ...]:
    """The product of the lists, all valid, with published-sized networks and random weights."""
    random = np.random.default_rng(seed)
    grid = product(widths, resolutions_px, precisions, threads)
    return tuple(
        make_cell(device, Variant(width=w, resolution_px=r, precision=p), threads=t, random=random)
        for w, r, p, t in grid
    )


def make_cell(
    device: DeviceInfo,
    variant: Variant,
    *,
    threads: int = 1,
    processes: int = 5,
    samples: int = 60,
    random: np.random.Generator | None = None,
) -> Cell:
    """One valid cell."""
    random = random or np.random.default_rng(0)
    artifact = make_artifact(variant)
    median_ns = _typical_ns(variant, artifact.macs, threads)
    instructions = int(artifact.macs * (0.39 if variant.precision == "fp32" else 0.19) + 1.2e6)
    counted = instructions if device.emulated else None
    reports = tuple(
        _process(device, round_, _samples(median_ns, samples, random), counted, artifact, threads, random)
        for round_ in range(processes)
    )
    every = np.concatenate([report.latencies_ns for report in reports])
    medians = np.array([np.median(report.latencies_ns) for report in reports])
    low, middle, high = np.percentile(medians, [5, 50, 95])
    return Cell(
        variant=variant,
        artifact=artifact,
        device=device,
        plan=records.Plan(
            threads=threads,
            processes=processes,
            warmup_iterations=5,
            min_iterations=samples,
            min_seconds=0.5,
            max_seconds=5.0,
            counted_iterations=3,
            seed=0,
        ),
        processes=reports,
        latency=records.Latency(
            median_ns=records.Interval(estimate=float(middle), low=float(low), high=float(high)),
            p90_ns=float(np.percentile(every, 90)),
            p99_ns=float(np.percentile(every, 99)),
            min_ns=int(every.min()),
            max_ns=int(every.max()),
            processes=processes,
            samples=len(every),
        ),
        instructions_per_inference=counted,
        memory=records.Memory(
            rss_start_bytes=reports[0].rss_start_bytes,
            rss_loaded_bytes=reports[0].rss_loaded_bytes,
            rss_initialized_bytes=reports[0].rss_initialized_bytes,
            peak_rss_bytes=reports[0].peak_rss_bytes,
            planned_arena_bytes=artifact.planned_arena_bytes,
            artifact_bytes=artifact.size_bytes,
        ),
        parity=records.Parity(max_abs_error=1e-6, tolerance=1e-4, cosine=1.0, top1_agrees=True, passed=True),
        profile=_profile(median_ns),
        verdict=records.Verdict(status="valid", reasons=()),
    )


def _profile(median_ns: float) -> records.Profile:
    """Mostly pointwise convolutions, as in a real MobileNet."""
    shares: dict[records.OperatorKind, float] = {
        "first convolution": 0.1,
        "depthwise": 0.2,
        "pointwise": 0.6,
        "classifier": 0.08,
        "other": 0.02,
    }
    operators = (
        records.OperatorTime(name=f"{kind} #1", kind=kind, mean_ns=share * median_ns, share=share)
        for kind, share in shares.items()
    )
    return records.Profile(iterations=30, operators=tuple(operators))


def make_artifact(variant: Variant) -> records.Artifact:
    """An artifact of a published-sized network."""
    macs = int(MACS.get(variant.width, 568.7e6 * variant.width**1.8) * (variant.resolution_px / 224) ** 2)
    params = int(PARAMS.get(variant.width, 4.24e6 * variant.width**1.7))
    bytes_per_parameter = 4 if variant.precision == "fp32" else 1.05
    digest = f"{abs(hash((variant.width, variant.resolution_px, variant.precision))):064x}"[-64:]
    return records.Artifact(
        variant=variant,
        sha256=digest,
        size_bytes=int(params * bytes_per_parameter) + 60_000,
        macs=macs,
        params=params,
        delegates=1,
        delegated_nodes=85,
        undelegated_nodes=(),
        planned_arena_bytes=602_112,
        input=records.TensorSpec(
            dtype="float32",
            sizes=(1, 3, variant.resolution_px, variant.resolution_px),
            dim_order=(0, 2, 3, 1),
        ),
        output=records.TensorSpec(dtype="float32", sizes=(1, variant.classes), dim_order=(0, 1)),
        calibration=None
        if variant.precision == "fp32"
        else records.Calibration(source="random", images=16, seed=0),
        versions={"torch": "2.13.0", "executorch": "1.5.1"},
        lowering_seconds=4.2,
        reference_input_sha256="1" * 64,
        reference_output_sha256="2" * 64,
    )


def with_verdict(cell: Cell, status: records.Status, code: str, detail: str) -> Cell:
    """The cell, judged for one reason; a `code` that no check has affects the result."""
    affects = {check.code: check.affects for check in CHECKS}.get(code, "result")
    severity: records.Severity = "info" if status == "valid" else status
    reason = records.Reason(code=code, severity=severity, affects=affects, detail=detail)
    return replace(cell, verdict=records.Verdict(status=status, reasons=(reason,)))


def failed(cell: Cell) -> Cell:
    """The cell, had its runner been killed."""
    failure = records.Failure(
        what="the runner was killed by signal 9", exit_code=137, last_output="<b>out of memory</b>\nkilled"
    )
    bare = replace(cell, processes=(), latency=None, memory=None, parity=None, failure=failure)
    return with_verdict(bare, "invalid", "failed", "the cell has no figures")


def with_accuracy(cell: Cell, top1: float) -> Cell:
    """The cell with weights of a checkpoint and an accuracy measured on the device."""
    accuracy = records.Accuracy(
        top1=records.Interval(estimate=top1, low=top1 - 0.012, high=top1 + 0.011),
        top5=records.Interval(estimate=0.95, low=0.94, high=0.96),
        images=3925,
        dataset="Imagenette",
        split="validation",
        preprocessing="resize 256, crop",
        measured_on=cell.device.name,
        agreement_with_eager=1.0,
    )
    weights = records.Weights(source="trained.pt", sha256="a" * 64)
    return replace(cell, accuracy=accuracy, variant=replace(cell.variant, weights=weights))


def make_run(cells: tuple[Cell, ...], *, id: str = "20260101T120000Z-abc123") -> Run:
    """The run that measured these cells."""
    return Run(
        id=id,
        started_at="2026-01-01T12:00:00Z",
        finished_at="2026-01-01T12:10:00Z",
        request=records.RunRequest(
            devices=tuple(dict.fromkeys(cell.device.name for cell in cells)),
            widths=tuple(dict.fromkeys(cell.variant.width for cell in cells)),
            resolutions_px=tuple(dict.fromkeys(cell.variant.resolution_px for cell in cells)),
            precisions=tuple(dict.fromkeys(cell.variant.precision for cell in cells)),
            threads=tuple(dict.fromkeys(cell.plan.threads for cell in cells)),
        ),
        versions={"torch": "2.13.0", "executorch": "1.5.1", "mobilenet-harness": "0.1.0"},
        git_revision="0123456789abcdef0123456789abcdef01234567",
        host="Linux 6.1 x86_64",
        artifacts=(),
    )


def _typical_ns(variant: Variant, macs: int, threads: int) -> float:
    per_ms = (9e6 if variant.precision == "fp32" else 22e6) * threads**0.75
    return (0.25 + macs / per_ms * (1 + 0.15 / variant.width)) * 1e6


def _samples(median_ns: float, count: int, random: np.random.Generator) -> tuple[int, ...]:
    """Drift within a process, a level of its own, and one inference in eighty that was disturbed."""
    level = median_ns * random.normal(1, 0.006)
    drift = np.linspace(0, 0.004, count)
    noise = random.gamma(2.0, 0.003, count)
    disturbed = np.where(random.random(count) < 1 / 80, random.exponential(0.5, count), 0)
    return tuple(int(value) for value in level * (1 + drift + noise + disturbed))


def _process(
    device: DeviceInfo,
    round_: int,
    latencies_ns: tuple[int, ...],
    instructions: int | None,
    artifact: records.Artifact,
    threads: int,
    random: np.random.Generator,
) -> records.ProcessReport:
    start = 21_000_000 if device.clock == "emulated" else 5_200_000
    loaded = start + 1_400_000
    initialised = loaded + int(artifact.size_bytes * 1.6)
    return records.ProcessReport(
        round=round_,
        started_at=f"2026-01-01T12:0{round_ % 10}:00Z",
        build_type="Release",
        load_ns=int(random.normal(2e6, 1e5)),
        init_ns=int(random.normal(9e6, 5e5)),
        first_ns=int(latencies_ns[0] * 1.7),
        warmup_ns=tuple(int(latencies_ns[0] * factor) for factor in (1.3, 1.1, 1.05, 1.0, 1.0)),
        latencies_ns=latencies_ns,
        rss_start_bytes=start,
        rss_loaded_bytes=loaded,
        rss_initialized_bytes=initialised,
        rss_end_bytes=initialised + 900_000,
        peak_rss_bytes=initialised + 1_000_000,
        threads_used=threads,
        cpus_allowed="0-7",
        instructions_per_inference=instructions,
        cycles_per_inference=None,
        counters_unavailable=None if instructions else "perf_event_open: permission denied",
        conditions_before=_conditions(device, 31.0 + round_ / 2, random),
        conditions_after=_conditions(device, 32.5 + round_ / 2, random),
        sampled=_sampled(31.0 + round_ / 2),
    )


def _sampled(celsius: float) -> records.SampledConditions:
    """Two cores that hold their clocks while one zone warms up by 1.5 °C."""
    samples = tuple(
        records.ConditionsSample(
            uptime_seconds=100 + i / 2, frequencies_khz=(1_803_000, 2_802_000), celsius=(celsius + i / 2,)
        )
        for i in range(4)
    )
    return records.SampledConditions(
        period_seconds=0.5, cpus_allowed="0-3", cores=(0, 7), zones=("BIG",), samples=samples
    )


def _conditions(device: DeviceInfo, celsius: float, random: np.random.Generator) -> records.Conditions:
    if device.emulated:
        return records.Conditions(
            load_average_1min=round(float(random.uniform(0.1, 0.6)), 2),
            unreadable={"temperatures": "no thermal zone", "frequencies_khz": "no cpufreq"},
        )
    return records.Conditions(
        uptime_seconds=5000.0,
        frequencies_khz=(1_803_000, 2_253_000, 2_802_000),
        governors=("sched_pixel",),
        temperatures=(records.Temperature(zone="cpu", celsius=celsius),),
        load_average_1min=1.2,
        memory_available_bytes=3_000_000_000,
        thermal_status=0,
        battery_percent=80,
        battery_celsius=29.5,
    )
