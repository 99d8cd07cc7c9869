"""Cells whose parts contradict each other, by part: each is named by the first sentence about it."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from builders import (
    STEADY_MEDIANS,
    make_cell,
    make_device,
    make_paced_cell,
    make_processes,
    make_run,
    with_accuracy,
)
from harness.records import Cell
from harness.records.cell_checks import find_contradictions
from harness.records.decoding import Malformed, decode_json
from harness.records.run_folder import write_cell, write_run
from harness_command import HarnessCommand
from synthetic import PHONE, simulate_cells

CELLS = simulate_cells(PHONE, widths=(0.25, 0.5), resolutions_px=(128,), precisions=("fp32",))
DROP = {
    "drop_pp": {"estimate": 1.0, "low": 0.5, "high": 1.5},
    "images": 1000,
    "only_base": 20,
    "only_new": 10,
    "p_value": 0.1,
}
SAMPLE = {"uptime_seconds": 5.0, "frequencies_khz": [1_803_000, 900_000], "celsius": [40.0]}
SAMPLED = {"period_seconds": 0.5, "cores": [0, 1], "zones": ["cpu"], "samples": [SAMPLE]}


def changed(path: str, value: object) -> str:
    """The JSON of a cell with an accuracy, with one value replaced."""
    document: Any = json.loads(msgspec.json.encode(with_accuracy(CELLS[1], 0.6)))
    place = document
    *parents, last = path.split(".")
    for parent in parents:
        place = place[int(parent) if isinstance(place, list) else parent]
    place[last] = value
    return json.dumps(document)


def test_each_part_can_be_replaced_by_what_is_possible() -> None:
    for path, value in (
        ("accuracy.drop_from_fp32", DROP),
        ("processes.0.sampled", SAMPLED),
        ("processes.0.cpus_allowed", ""),
        ("processes.0.started_at", "1970-01-01T00:00:00.000+00:00"),
        ("memory.detail", None),
        ("processes.0.cpus_allowed", "4-63"),
        ("plan.cpus", "0-7"),
        ("device.memory_total_bytes", None),
        ("verdict.status", "suspect"),
    ):
        assert list(find_contradictions(decode_json(changed(path, value), Cell))) == [], path


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("accuracy.unreadable_images", ["a: cut", "b: cut"], "accuracy.unreadable is 0, but 2 are named"),
        ("accuracy.images", 0, "accuracy.images is 0"),
        ("accuracy.images", 1, "accuracy.top1 is 0.6, which is no share of 1 images"),
        ("accuracy.top1.estimate", 0.6001, "accuracy.top1 is 0.6001, which is no share of 4000 images"),
        ("accuracy.top5.confidence", 0.01, "accuracy.top5 has confidence 0.01"),
        ("latency.median_ns.confidence", 0.0, "latency.median_ns has confidence 0"),
        ("accuracy.top5.estimate", 0.3, "accuracy.top5 is 0.3"),
        ("accuracy.top1.low", 0.0, "accuracy.top1 is in 0 to 0.611, but its samples give no more than 0.569"),
        ("accuracy.top5.high", 1.0, "accuracy.top5 is in 0.94 to 1, but its samples give no more than 0.93"),
        (
            "accuracy.drop_from_fp32",
            DROP | {"drop_pp": {"estimate": 1.0, "low": -90.0, "high": 1.5}},
            "drop_from_fp32 is in -90 to 1.5, but its samples give no more than -1.2",
        ),
        ("accuracy.drop_from_fp32", DROP | {"images": 5}, "p_value 0.1 and 5 images"),
        ("accuracy.drop_from_fp32", DROP | {"images": 4001}, "is of 4001 images, the accuracy of 4000"),
        ("accuracy.drop_from_fp32", DROP | {"only_base": 5}, "is 1 pp, but its counts give -0.5"),
        ("artifact.macs", 0, "artifact.macs is 0"),
        ("artifact.params", 0, "artifact.params is 0"),
        ("artifact.size_bytes", 5, "artifact.size_bytes is 5, of "),
        ("artifact.delegates", -1, "artifact.delegates is -1"),
        ("artifact.delegated_nodes", -4, "artifact.delegated_nodes is -4"),
        ("artifact.lowering_seconds", -3.0, "artifact.lowering_seconds"),
        ("artifact.input.dim_order", [0, 0, 0, 0], "artifact.input.dim_order is [0, 0, 0, 0]"),
        ("artifact.input.sizes", [-1, 3, 128, 128], "artifact.input.sizes is [-1, 3, 128, 128]"),
        ("artifact.output.sizes", [2**52, 1000], "artifact.output.sizes is [4503599627370496, 1000]"),
        ("artifact.calibration", {"source": "random", "images": -1}, "artifact.calibration.images is -1"),
        ("plan.threads", 9, "plan.threads is 9, on 8 cores"),
        ("plan.cpus", "fast", "plan.cpus is 'fast', which is not a list of cores"),
        ("plan.cpus", "6-9", "plan.cpus is 6-9, but the device has cores [0, 1"),
        ("plan.max_processes", 0, "plan.max_processes is 0"),
        ("plan.warmup_iterations", -1, "plan.warmup_iterations is -1"),
        ("plan.counted_iterations", -1, "plan.counted_iterations is -1"),
        ("plan.min_seconds", -1.0, "plan.min_seconds is -1"),
        ("plan.max_seconds", -5.0, "plan.max_seconds is -5"),
        ("plan.target_precision", -0.1, "plan.target_precision is -0.1"),
        ("plan.max_cooling_seconds", -1.0, "plan.max_cooling_seconds is -1"),
        ("processes.0.round", -1, "in round -1, round is -1"),
        ("processes.0.started_at", "yesterday", "started_at is 'yesterday', which is not a time"),
        ("processes.0.warmup_cut", 99, "warmup_cut is 99, of 5 warm-up iterations"),
        ("processes.0.warmup_ns", [9_000_000], "1 warm-up iterations, the plan has 5"),
        ("processes.0.peak_rss_bytes", 1, "peak_rss_bytes is 1, below its rss_"),
        ("processes.0.rss_end_bytes", 10**12, "below its rss_end_bytes 1000000000000"),
        ("device.memory_total_bytes", 1000, "rss_start_bytes is 5200000, on a device with 1000 bytes"),
        ("processes.0.peak_rss_bytes", 10**12, "peak_rss_bytes is 1000000000000, on a device with "),
        ("processes.0.threads_used", 0, "threads_used is 0"),
        ("processes.0.threads_used", 64, "threads_used is 64, the plan has 1, and the verdict is valid"),
        ("processes.0.cpus_allowed", "9-12", "cpus_allowed is 9-12, but the device has cores [0, 1"),
        ("plan.cpus", "4-7", "cpus_allowed is 0-7, the plan has 4-7, and the verdict is valid"),
        ("processes.0.cpus_allowed", "some", "cpus_allowed is 'some', which is not a list of cores"),
        ("processes.0.instructions_per_inference", 0, "instructions_per_inference is 0: an inference takes"),
        ("processes.0.cycles_per_inference", 0, "cycles_per_inference is 0: an inference takes some"),
        ("processes.0.cooled_seconds", -5.0, "cooled_seconds"),
        ("processes.0.cooled_seconds", 1e300, "cooled_seconds"),
        ("plan.max_seconds", 1e300, "plan.max_seconds is 1e+300"),
        ("processes.0.sampled", SAMPLED | {"cores": [0]}, "1 of 1 samples are not of 1 cores and 1 zones"),
        ("processes.0.sampled", SAMPLED | {"zones": []}, "are not of 2 cores and 0 zones"),
        ("processes.0.sampled", SAMPLED | {"cores": [0, 0]}, "sampled.cores are [0, 0]"),
        ("processes.0.sampled", SAMPLED | {"period_seconds": -1.0}, "sampled.period_seconds"),
        ("processes.0.sampled", SAMPLED | {"period_seconds": 1e198}, "sampled.period_seconds"),
        ("processes.0.conditions_before.uptime_seconds", -5.0, "uptime_seconds"),
        ("processes.0.conditions_before.load_average_1min", -1.0, "load_average_1min"),
        ("processes.0.conditions_before.thermal_status", 99, "thermal_status"),
        ("processes.0.conditions_before.battery_percent", 150, "battery_percent"),
        ("processes.0.conditions_before.battery_celsius", 1e9, "battery_celsius"),
        ("processes.0.conditions_before.frequencies_khz", [2**40], "frequencies_khz"),
        ("processes", [], "latency is given, but a process without latencies or none at all"),
        (
            "latency.p90_interval_ns",
            {"estimate": 5.0, "low": 1.0, "high": 9.0},
            "latency.p90_interval_ns is of",
        ),
        ("held_clocks", [{"cores": "0-3", "held_khz": 0, "max_khz": 1, "source": "sampler"}], "held 0 kHz"),
        (
            "held_clocks",
            [{"cores": "4-5", "held_khz": 1, "max_khz": 2**52, "source": "sampler"}],
            "held_clocks: core 4 has at most 4503599627370496 kHz, and ",
        ),
        ("held_clocks", [{"cores": "x", "held_khz": 1, "max_khz": 1, "source": "sampler"}], "cores 'x' held"),
        ("profile.iterations", 0, "profile.iterations is 0"),
        ("profile.operators", [], "profile has 0 operators, and is unavailable: None"),
        ("profile.unavailable", "denied", "operators, and is unavailable: denied"),
        ("profile.operators.0.share", 0.99, "has share 0.99, but its time gives 0.1"),
        ("parity.passed", False, "verdict is valid, but its reasons make it invalid"),
        ("device.cores.0.index", 5, "device.cores has one core twice"),
    ],
)
def test_what_cannot_be_is_named(path: str, value: object, named: str) -> None:
    try:
        found = next(find_contradictions(decode_json(changed(path, value), Cell)), "nothing")
    except Malformed as error:
        found = str(error)
    assert named in found


@pytest.mark.parametrize("figure", ["latency", "memory", "startup", "instructions_per_inference"])
def test_a_cell_that_failed_has_no_figures(figure: str) -> None:
    failed = msgspec.structs.replace(
        decode_json(changed("failure", {"what": "killed"}), Cell),
        verdict=decode_json('{"status": "invalid", "reasons": []}', type(CELLS[0].verdict)),
        instructions_per_inference=5,
    )
    assert f"{figure} is given, but the cell has failed" in list(find_contradictions(failed))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"latency": None}, "latency is missing, but 6 processes have measured"),
        ({"memory": None}, "memory is missing, but 6 processes have measured"),
        (
            {"processes": (), "latency": None, "startup": None, "memory": None, "parity": None},
            "processes are none",
        ),
    ],
)
def test_a_cell_that_did_not_fail_has_figures(changes: dict[str, Any], named: str) -> None:
    assert any(named in one for one in find_contradictions(msgspec.structs.replace(make_cell(), **changes)))


def test_a_paced_cell_says_how_it_kept_its_schedule() -> None:
    paced = make_paced_cell(30)
    assert list(find_contradictions(paced)) == []
    (found,) = find_contradictions(msgspec.structs.replace(paced, pace=None))
    assert found == "pace is missing, but 6 processes have measured"


@pytest.mark.parametrize("name", ["rss_start_bytes", "rss_initialized_bytes", "peak_rss_bytes"])
def test_a_figure_that_the_processes_have_is_not_missing_from_the_cell(name: str) -> None:
    cell = make_cell()
    assert cell.memory is not None
    gone = msgspec.structs.replace(cell, memory=msgspec.structs.replace(cell.memory, **{name: None}))
    (found,) = find_contradictions(gone)
    assert found.startswith(f"memory.{name} is no figure, but its processes give ")


def test_instructions_that_the_processes_counted_are_not_missing_from_the_cell() -> None:
    processes = make_processes(*STEADY_MEDIANS, instructions_per_inference=7_000_000)
    uncounted = msgspec.structs.replace(make_cell(processes=processes), instructions_per_inference=None)
    (found,) = find_contradictions(uncounted)
    assert found == "instructions_per_inference is no figure, but its processes give 7000000"


def test_threads_that_were_not_planned_contradict_only_a_verdict_that_does_not_say_so() -> None:
    cell = make_cell(processes=make_processes(*STEADY_MEDIANS, threads_used=3))
    assert cell.verdict.status == "invalid"
    assert list(find_contradictions(cell)) == []


def test_an_emulator_lists_the_cores_of_the_machine_around_it() -> None:
    processes = make_processes(*STEADY_MEDIANS, cpus_allowed="9-12")
    assert (
        list(find_contradictions(make_cell(device=make_device(clock="emulated"), processes=processes))) == []
    )


def test_the_start_up_of_a_single_process_has_no_confidence() -> None:
    cell = make_cell(STEADY_MEDIANS[:1])
    assert cell.startup is not None
    assert cell.startup.load_ns.confidence == 0
    assert list(find_contradictions(cell)) == []


@pytest.mark.parametrize("command", ["pick", "report", "compare"])
def test_impossible_cells_are_named_with_exit_code_1_and_the_rest_stands(
    run_harness: HarnessCommand, tmp_path: Path, command: str
) -> None:
    write_run(tmp_path / "run", make_run(CELLS))
    write_cell(tmp_path / "run", CELLS[0])
    impossible = {"one": ("plan.threads", 9), "two": ("processes.0.sampled", SAMPLED | {"cores": [0]})}
    for name, (path, value) in impossible.items():
        (tmp_path / f"run/cells/{name}.json").write_text(changed(path, value))
    folders = [tmp_path / "run"] * (2 if command == "compare" else 1)
    ended = run_harness(command, *folders, "--json")
    assert ended.exit_code == 1
    assert len(ended.document["errors"]) == 2
    assert all(f"{name}.json is damaged" in ended.stderr for name in impossible)
    assert "Traceback" not in ended.stderr
