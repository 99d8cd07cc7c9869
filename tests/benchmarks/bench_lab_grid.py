"""The parts `cold` and `warm` of `bench_lab.py`: lowering the full grid, and measuring it on `host`."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

from bench_history import record
from simulated_lab import SEARCHED, SimulatedLab, device_name

from harness.records import Variant
from harness.records.run_folder import read_cells

WIDTHS, SIDES, PRECISIONS = (0.25, 0.5, 0.75, 1.0), (128, 160, 192, 224), ("fp32", "int8")
GRID = ("-w", "0.25,0.5,0.75,1.0", "-r", "128,160,192,224", "-p", "fp32,int8")
LEAST_RATIO = 4.0
MOST_START_S, LEAST_SHARE = 3.0, 0.9
# One after another in one process, by ExecuTorch's own recipe for each precision.
STOCK = """
import sys, time
from bench_lab_grid import lower_grid_stock
print(lower_grid_stock())
"""


def lower_grid_stock() -> float:
    """Seconds of the stock recipes for the grid, one after another, with the threads that torch takes."""
    import torch
    from bench_lowering import lower_stock
    from torch.export import export

    from harness.lowering.silence import quietly
    from models.mobilenet_v1 import MobileNetV1, initialize

    with quietly():
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
            XNNPACKQuantizer,
            get_symmetric_quantization_config,
        )
        from executorch.exir import to_edge_transform_and_lower
        from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    def quantize_stock(variant: Variant) -> None:
        """Export, calibrate with 16 images as ours, convert, hand to XNNPACK, emit."""
        width, side_px = variant.shape
        model = MobileNetV1(width)
        initialize(model, 0)
        images = [torch.randn(1, 3, side_px, side_px) for _ in range(16)]
        graph = export(model.eval(), (images[0],)).module()
        quantizer = XNNPACKQuantizer()
        quantizer.set_global(get_symmetric_quantization_config(is_per_channel=True))
        prepared = prepare_pt2e(graph, quantizer)
        for image in images:
            prepared(image)
        exported = export(convert_pt2e(prepared), (images[0],))
        _ = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()]).to_executorch().buffer

    lower: dict[str, Callable[[Variant], None]] = {"fp32": lower_stock, "int8": quantize_stock}
    started = time.monotonic()
    with quietly():
        for width, side, precision in product(WIDTHS, SIDES, PRECISIONS):
            lower[precision](Variant(width=width, resolution_px=side, precision=precision))
    return time.monotonic() - started


def bench_cold(lab: SimulatedLab, _: argparse.Namespace) -> bool:
    """The stock recipe, `harness lower`, and a run whose lab lowers; each with nothing lowered before."""
    stock_s = seconds_of_stock()
    print(f"stock, one after another {stock_s:.0f} s", flush=True)
    cache = lab.folder / "empty"
    started = time.monotonic()
    lowering = (sys.executable, "-m", "harness", "lower", *GRID, "--out", str(lab.folder / "lowered"))
    subprocess.run(
        lowering,
        env={**os.environ, "HARNESS_CACHE": str(cache)},
        check=True,
        capture_output=True,
        cwd=lab.folder,
    )
    plain_s = time.monotonic() - started
    through_lab_s = seconds_through_lab(lab)
    print(f"harness lower {plain_s:.0f} s; until a run in a lab has all programs {through_lab_s:.0f} s")
    goals = (
        record("lab", "stock/harness lower, cold grid", stock_s / plain_s, at_least=LEAST_RATIO),
        record("lab", "stock/lab, cold grid", stock_s / through_lab_s, at_least=LEAST_RATIO),
    )
    return all(goal.met for goal in goals)


def seconds_of_stock() -> float:
    """In a process that has nothing else to do."""
    ended = subprocess.run(
        [sys.executable, "-c", STOCK],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, SEARCHED))},
        check=True,
        capture_output=True,
        text=True,
    )
    return float(ended.stdout.split()[-1])


def seconds_through_lab(lab: SimulatedLab) -> float:
    """Until the last program of the grid lies in the folder of a run on one simulated device."""
    lab.environment("desk")
    programs = lab.caches["desk"] / "artifacts"
    # A link to those of the tests.
    programs.unlink()
    programs.mkdir()
    added = lab.add("desk", range(1))
    if added.exit_code:
        raise SystemExit(added.stderr)
    started = time.monotonic()
    words = ("--lab", lab.address, "-d", device_name(0), *GRID, "--processes", "1", "--min-time", "0.1s")
    process = lab.begin("desk", "run", *words, "--out", lab.folder / "cold-run", "--quiet")
    wanted = len(WIDTHS) * len(SIDES) * len(PRECISIONS)
    # What was lowered, not what the device's host, which is this one, then received.
    while len(list(programs.glob("[!r]*/model.pte"))) < wanted and process.poll() is None:
        time.sleep(0.2)
    seconds = time.monotonic() - started
    process.communicate()
    return seconds


def bench_warm(lab: SimulatedLab, _: argparse.Namespace) -> bool:
    """On `host`, which must have nothing else to do: two runs of the grid, the first of which lowers."""
    lab.environment("desk")
    for name, processes in (("first", "1"), ("second", "5")):
        words = ("run", "-d", "host", *GRID, "--processes", processes, "--out", lab.folder / name, "--yes")
        began, started = time.time(), time.monotonic()
        ended = lab.run("desk", *words, "--quiet")
        if ended.exit_code:
            raise SystemExit(ended.stderr)
        seconds = time.monotonic() - started
    cells = read_cells(lab.folder / "second")
    start_s = first_start(lab.folder / "second") - began
    measured_s = sum(one.reported_ns for cell in cells for one in cell.processes) / 1e9
    print(f"first process after {start_s:.1f} s; measuring {measured_s:.0f} of {seconds:.0f} s")
    goals = (
        record("lab", "seconds to the first process/limit, warm", start_s / MOST_START_S, at_most=1.0),
        record(
            "lab", "share of time measuring on host, warm grid", measured_s / seconds, at_least=LEAST_SHARE
        ),
    )
    return all(goal.met for goal in goals)


def first_start(folder: Path) -> float:
    """Unix time at which the first process of a run began."""
    from datetime import datetime

    starts = (one.started_at for cell in read_cells(folder) for one in cell.processes)
    return min(datetime.fromisoformat(start).timestamp() for start in starts)
