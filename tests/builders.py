"""The one place where tests make records: plain figures by default, and every field can be replaced."""

from typing import Any

import msgspec
from msgspec.structs import replace

from harness.analysis.cells import add_energy, add_sustained, build_cell
from harness.analysis.energy import summarize_energy
from harness.analysis.sustained import summarize_sustained
from harness.analysis.validity.verdict import CHECKS
from harness.measuring.cold_starts import summarize_cold
from harness.records import (
    AS_IS,
    Accuracy,
    Artifact,
    Cell,
    ColdProcess,
    ColdStartup,
    Conditions,
    ConditionsSample,
    Core,
    DeviceInfo,
    Energy,
    EnergyRun,
    EnergySource,
    EnergyWindow,
    Failure,
    Interval,
    Parity,
    Plan,
    ProcessReport,
    Reason,
    Run,
    RunRequest,
    SampledConditions,
    Scheduling,
    Severity,
    Status,
    Sustained,
    SustainedRun,
    TensorSpec,
    Variant,
    Verdict,
    Weights,
)
from harness.records.schedule import summarize_pace

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
        "kind": "linux_board",
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


def make_own_artifact(**changes: Any) -> Artifact:
    """An own program with two inputs and two outputs."""
    tokens = TensorSpec(dtype="int64", sizes=(1, 6), dim_order=(0, 1))
    scores = TensorSpec(dtype="float32", sizes=(1, 6, 4), dim_order=(0, 1, 2), dynamic=True)
    values: dict[str, Any] = {
        "variant": Variant(
            width=None,
            resolution_px=None,
            classes=None,
            precision=AS_IS,
            model="net",
            method="forward",
            weights=Weights(source="net.pte", sha256="c" * 64),
        ),
        "sha256": "c" * 64,
        "macs": None,
        "params": None,
        "delegated_nodes": None,
        "lowering_seconds": None,
        "versions": {},
        "input": tokens,
        "output": scores,
        "inputs": (tokens, scores),
        "outputs": (scores, tokens),
        "delegate_ids": ("XnnpackBackend",),
    }
    return make_artifact(**{**values, **changes})


def make_artifact(**changes: Any) -> Artifact:
    variant = changes.get("variant", Variant(width=0.5, resolution_px=128, precision="fp32"))
    side = variant.resolution_px
    facts: dict[str, Any] = {
        "variant": variant,
        "sha256": "a" * 64,
        "size_bytes": 5_300_000,
        "macs": 49_200_000,
        "params": 1_340_000,
        "delegates": 1,
        "delegated_nodes": 85,
        "undelegated_nodes": (),
        "planned_arena_bytes": 200_000,
        "input": TensorSpec(dtype="float32", sizes=(1, 3, side, side), dim_order=(0, 2, 3, 1)),
        "output": TensorSpec(dtype="float32", sizes=(1, variant.classes), dim_order=(0, 1)),
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
    """An undisturbed process whose 31 iterations spread by 0.2 % around `median_ns`."""
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


SHELL = Scheduling(
    cgroup="0::/user.slice",
    cpuset="/",
    uclamp_min_per_1024=0,
    uclamp_max_per_1024=1024,
    oom_score_adj=0,
    timer_slack_ns=50_000,
    nice=0,
)


def make_cold(*totals_ms: int, kept_pages: int = 0) -> ColdStartup:
    """Processes that took 1 ms to load, 2 ms to initialize and the rest for their first inference."""
    processes = tuple(
        ColdProcess(
            load_ns=1_000_000,
            init_ns=2_000_000,
            first_ns=(total - 3) * 1_000_000,
            files=6,
            pages=4000,
            resident_before_pages=3900,
            resident_pages=kept_pages,
            unavailable="a page stayed" if kept_pages else None,
        )
        for total in totals_ms
    )
    return summarize_cold(processes)


def make_sustained_run(
    *levels: tuple[int, float], khz: tuple[int, ...] | None = None, **changes: Any
) -> SustainedRun:
    """One after the other levels of `(seconds, milliseconds)`; neighbouring seconds differ by 0.4 %.

    `khz` is the clock that each core has at each level, sampled each second; the uptime begins at 1001 s.
    """
    parts = [(seconds, round(ms * 1e6)) for seconds, ms in levels]
    medians = [ns for seconds, ns in parts for _ in range(seconds)]
    medians = [ns + ns * (second * 7 % 31 - 15) // 7_500 for second, ns in enumerate(medians)]
    clocks = (
        [clock for (seconds, _), clock in zip(parts, khz or (), strict=True) for _ in range(seconds)]
        if khz
        else []
    )
    samples = tuple(
        ConditionsSample(
            uptime_seconds=1001.5 + second, frequencies_khz=(clock,) * 4, celsius=(50.0 + second / 10,)
        )
        for second, clock in enumerate(clocks)
    )
    facts: dict[str, Any] = {
        "started_at": "2026-01-01T01:00:00Z",
        "began_uptime_seconds": 1001.0,
        "inferences": tuple(10**9 // ns for ns in medians),
        "median_ns": tuple(medians),
        "p90_ns": tuple(ns + ns // 100 for ns in medians),
        "max_ns": tuple(2 * ns for ns in medians),
        "threads_used": 1,
        "cpus_allowed": "0-3",
        "conditions_before": QUIET,
        "conditions_after": replace(QUIET, uptime_seconds=1002.0 + len(medians)),
        "sampled": SampledConditions(period_seconds=1.0, cores=(0, 1, 2, 3), zones=("cpu",), samples=samples)
        if khz
        else None,
    }
    return SustainedRun(**facts | changes)


def make_sustained_cell(run: SustainedRun | str, cell: Cell | None = None) -> Cell:
    """The cell with a sustained run, or the reason why it has none."""
    cell = cell or make_cell()
    if isinstance(run, str):
        return add_sustained(cell, Sustained(seconds=600, run=None, figures=None, unavailable=run))
    figures = summarize_sustained(run, cell.device, seed=0)
    return add_sustained(cell, Sustained(seconds=len(run.median_ns), run=run, figures=figures))


def make_energy_window(began_s: float, seconds: float, watts: float, spread: float = 0.01) -> EnergyWindow:
    """An update each second, which differs from the mean by up to this share; the mean is exact."""
    count = int(seconds) - 1
    steps = [(one * 7 % 13 - 6) / 6 for one in range(count)]
    mean = sum(steps) / count
    values = tuple(watts * (1 + spread * (step - mean) / 2) for step in steps)
    return EnergyWindow(
        began_uptime_seconds=began_s, seconds=seconds, span_seconds=(1.0,) * count, watts=values
    )


def make_energy_run(
    watts: float = 3.0, idle: tuple[float, float] = (1.0, 1.0), inferences: int = 6000, **changes: Any
) -> EnergyRun:
    """60 s of work between 40 s of rest; 20 mJ an inference by default."""
    facts: dict[str, Any] = {
        "started_at": "2026-01-01T01:00:00Z",
        "source": EnergySource(kind="hwmon", name="ina226 VDD_IN", covers="what it is wired to"),
        "idle_before": make_energy_window(1005.0, 40.0, idle[0]),
        "load": make_energy_window(1046.0, 60.0, watts),
        "idle_after": make_energy_window(1112.0, 40.0, idle[1]),
        "inferences": inferences,
        "threads_used": 1,
        "cpus_allowed": "0-3",
        "conditions_before": QUIET,
        "conditions_after": replace(QUIET, uptime_seconds=1153.0),
    }
    return EnergyRun(**facts | changes)


def make_energy_cell(run: EnergyRun | str, cell: Cell | None = None) -> Cell:
    """The cell with its energy, or the reason why it has none."""
    cell = cell or make_cell()
    if isinstance(run, str):
        return add_energy(cell, Energy(run=None, figures=None, unavailable=run))
    return add_energy(cell, Energy(run=run, figures=summarize_energy(run, seed=0)))


PASSED = Parity(max_abs_error=1e-6, tolerance=1e-4, cosine=1.0, top1_agrees=True, passed=True)
BUILT: dict[bytes, Cell] = {}
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
    """A cell as the harness builds it, with its verdict; valid with the default arguments.

    The same arguments give the same object: each resampling of its tails takes 10 ms, thousands of times.
    """
    measured = (
        device or make_device(),
        artifact or make_artifact(),
        plan or make_plan(),
        make_processes(*medians_ns) if processes is None else processes,
        parity,
        failure,
    )
    key = msgspec.msgpack.encode(measured)
    if key not in BUILT:
        BUILT[key] = build_cell(*measured)
    return BUILT[key]


def make_own_cell(name: str, share: float, method: str = "forward", digest: str = "c") -> Cell:
    """A valid cell whose medians are this share of the usual ones."""
    artifact = make_own_artifact(sha256=digest * 64)
    weights = Weights(source=f"{name}.pte", sha256=digest * 64)
    variant = replace(artifact.variant, model=name, method=method, weights=weights)
    medians = tuple(int(median * share) for median in STEADY_MEDIANS)
    return make_cell(medians, artifact=replace(artifact, variant=variant))


def make_paced_cell(
    rate_hz: float, median_ns: int = 10_000_000, *, late_ns: int = 50_000, **changes: Any
) -> Cell:
    """A cell whose inferences all begin this late, each in the first slot that is left."""
    plan = make_plan(rate_hz=rate_hz)
    period_ns = plan.period_ns or 0

    def process(round: int, median: int) -> ProcessReport:
        made, due_ns, starts_ns = make_process(round, median), 0, []
        for latency_ns in made.latencies_ns:
            starts_ns.append(due_ns + late_ns)
            due_ns += max(1, -(-(late_ns + latency_ns) // period_ns)) * period_ns
        return replace(made, starts_ns=tuple(starts_ns))

    medians = (median_ns * one // 10_000_000 for one in STEADY_MEDIANS)
    processes = tuple(process(round, median) for round, median in enumerate(medians))
    return make_cell(plan=plan, processes=processes, **changes)


def at_rate(cell: Cell, rate_hz: float) -> Cell:
    """The cell as if its inferences, each shorter than a period, had begun in one slot after another."""
    plan = replace(cell.plan, rate_hz=rate_hz)
    processes = tuple(
        replace(one, starts_ns=tuple(at * (plan.period_ns or 0) for at in range(len(one.latencies_ns))))
        for one in cell.processes
    )
    return replace(cell, plan=plan, processes=processes, pace=summarize_pace(processes, plan.period_ns))


def with_verdict(cell: Cell, status: Status, code: str, detail: str) -> Cell:
    """The cell with this status for one reason; a `code` that no check has affects the result."""
    affects = {check.code: check.affects for check in CHECKS}.get(code, "result")
    severity: Severity = "info" if status == "valid" else status
    reason = Reason(code=code, severity=severity, affects=affects, detail=detail)
    return replace(cell, verdict=Verdict(status=status, reasons=(reason,)))


def failed(cell: Cell) -> Cell:
    """The cell as it is saved when its runner was killed."""
    failure = Failure(
        what="the runner was killed by signal 9", exit_code=137, last_output="<b>out of memory</b>\nkilled"
    )
    bare = replace(cell, processes=(), latency=None, memory=None, parity=None, failure=failure)
    bare = replace(bare, startup=None, held_clocks=(), instructions_per_inference=None)
    return with_verdict(bare, "invalid", "failed", "the cell has no figures")


def with_accuracy(cell: Cell, top1: float) -> Cell:
    """The cell with weights of a checkpoint and an accuracy of 4,000 images measured on the device."""
    accuracy = Accuracy(
        top1=Interval(estimate=top1, low=top1 - 0.012, high=top1 + 0.011),
        top5=Interval(estimate=0.95, low=0.94, high=0.96),
        images=4000,
        dataset="Imagenette",
        split="validation",
        preprocessing="resize 256, crop",
        measured_on=cell.device.name,
        agreement_with_eager=1.0,
    )
    variant = replace(cell.variant, weights=Weights(source="trained.pt", sha256="a" * 64))
    return replace(cell, accuracy=accuracy, variant=variant, artifact=replace(cell.artifact, variant=variant))


def make_run(cells: tuple[Cell, ...], *, id: str = "20260101T120000Z-abc123") -> Run:
    """The run that measured these cells."""
    return Run(
        id=id,
        started_at="2026-01-01T12:00:00Z",
        finished_at="2026-01-01T12:10:00Z",
        request=RunRequest(
            devices=tuple(dict.fromkeys(cell.device.name for cell in cells)),
            widths=tuple(dict.fromkeys(width for cell in cells if (width := cell.variant.width))),
            resolutions_px=tuple(
                dict.fromkeys(side for cell in cells if (side := cell.variant.resolution_px))
            ),
            precisions=tuple(dict.fromkeys(cell.variant.precision for cell in cells)),
            threads=tuple(dict.fromkeys(cell.plan.threads for cell in cells)),
        ),
        versions={"torch": "2.13.0", "executorch": "1.5.1", "mobilenet-harness": "0.1.0"},
        git_revision="0123456789abcdef0123456789abcdef01234567",
        host="Linux 6.1 x86_64",
        artifacts=(),
    )
