"""Simulated cells for tests of reports: a seeded model of times, memory and conditions, made with `builders`.

Figures follow a roofline-like law with noise, drift and rare outliers; none of them is a measurement.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from builders import SHELL, make_artifact, make_cell, make_device, make_plan, make_process
from harness import records
from harness.records import Calibration, Cell, DeviceInfo, Variant

MACS = {1.0: 568.7e6, 0.75: 325.4e6, 0.5: 149.5e6, 0.25: 41.0e6}
PARAMS = {1.0: 4.24e6, 0.75: 2.59e6, 0.5: 1.34e6, 0.25: 0.47e6}

PHONE = make_device(
    name="pixel",
    kind="android",
    transport="adb",
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
    page_size_bytes=4096,
)
_QEMU = {"os": "Debian GNU/Linux 12", "cores": (), "memory_total_bytes": None}
EMULATOR = make_device(
    name="emulator:cortex-a76",
    kind="emulator",
    transport="local",
    clock="emulated",
    model="QEMU user mode, cortex-a76",
    **_QEMU,
)
VM = make_device(
    name="arm-vm", kind="arm_vm", transport="adb", clock="virtual", model="QEMU virt machine", **_QEMU
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


@cache
def simulate_cells(
    device: DeviceInfo = PHONE,
    *,
    widths: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0),
    resolutions_px: tuple[int, ...] = (128, 160, 192, 224),
    precisions: tuple[records.PrecisionName, ...] = ("fp32", "int8"),
    threads: tuple[int, ...] = (1,),
    seed: int = 0,
) -> tuple[Cell, ...]:
    """The product of the lists, all valid, with published-sized networks and random weights."""
    random = np.random.default_rng(seed)
    grid = product(widths, resolutions_px, precisions, threads)
    return tuple(
        simulate_cell(device, Variant(width=w, resolution_px=r, precision=p), threads=t, random=random)
        for w, r, p, t in grid
    )


def simulate_cell(
    device: DeviceInfo,
    variant: Variant,
    *,
    threads: int = 1,
    processes: int = 5,
    samples: int = 60,
    random: np.random.Generator | None = None,
) -> Cell:
    """One cell, summarized by the harness and declared valid whatever the simulated noise looks like."""
    random = random or np.random.default_rng(0)
    artifact = _artifact(variant)
    macs = artifact.macs or 0
    median_ns = _typical_ns(variant, macs, threads)
    instructions = int(macs * (0.39 if variant.precision == "fp32" else 0.19) + 1.2e6)
    counted = instructions if device.emulated else None
    cell = make_cell(
        device=device,
        artifact=artifact,
        plan=make_plan(threads=threads, processes=processes, min_iterations=samples),
        processes=tuple(
            _process(device, round_, _samples(median_ns, samples, random), counted, artifact, threads, random)
            for round_ in range(processes)
        ),
    )
    return replace(cell, profile=_profile(median_ns), verdict=records.Verdict(status="valid", reasons=()))


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


def _artifact(variant: Variant) -> records.Artifact:
    """An artifact of a published-sized network."""
    width, side_px = variant.shape
    macs = int(MACS.get(width, 568.7e6 * width**1.8) * (side_px / 224) ** 2)
    params = int(PARAMS.get(width, 4.24e6 * width**1.7))
    bytes_per_parameter = 4 if variant.precision == "fp32" else 1.05
    sizes = (1, 3, side_px, side_px)
    calibration = records.Calibration(source="random", images=16, seed=0)
    return make_artifact(
        variant=variant,
        sha256=hashlib.sha256(variant.name.encode()).hexdigest(),
        size_bytes=int(params * bytes_per_parameter) + 60_000,
        macs=macs,
        params=params,
        planned_arena_bytes=602_112,
        input=records.TensorSpec(dtype="float32", sizes=sizes, dim_order=(0, 2, 3, 1)),
        calibration=None if variant.precision == "fp32" else calibration,
    )


def _typical_ns(variant: Variant, macs: int, threads: int) -> float:
    per_ms: float = (9e6 if variant.precision == "fp32" else 22e6) * threads**0.75
    return (0.25 + macs / per_ms * (1 + 0.15 / variant.shape[0])) * 1e6


def _samples(median_ns: float, count: int, random: np.random.Generator) -> tuple[int, ...]:
    """Drift within a process, a random level per process, and one disturbed inference in eighty."""
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
    return make_process(
        round_,
        started_at=f"2026-01-01T12:0{round_ % 10}:00Z",
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
        counters_unavailable=None if instructions else "perf_event_open: permission denied",
        conditions_before=_conditions(device, 31.0 + round_ / 2, random),
        conditions_after=_conditions(device, 32.5 + round_ / 2, random),
        sampled=_sampled(31.0 + round_ / 2),
        scheduling=SHELL,
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


def quantized_by(cell: Cell, runtime: str, quantizer: str | None) -> Cell:
    """The cell as a program of another runtime, whose own quantizer made it."""
    variant = replace(cell.variant, runtime=runtime)
    artifact = replace(
        cell.artifact,
        variant=variant,
        sha256=runtime.encode().hex()[:16].ljust(64, "0"),
        calibration=Calibration(source="random", images=8, quantizer=quantizer),
    )
    return replace(cell, variant=variant, artifact=artifact)
