"""`harness run` on real devices through the command line: lower, push, run ARM code, measure, report."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SMALL = ("--width", "0.25", "--resolution", "32", "--processes", "2")


def cells_by_precision(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {cell["variant"]["precision"]: cell for cell in document["cells"]}


def check_cell(cell: dict[str, Any], processes: int = 2) -> None:
    """What holds for every measured cell, whatever the device."""
    assert cell["failure"] is None
    assert cell["parity"]["passed"]
    assert cell["parity"]["top1_agrees"]
    assert len(cell["processes"]) == processes
    assert cell["artifact"]["delegates"] == 1
    assert cell["artifact"]["undelegated_nodes"] == []
    assert cell["memory"]["peak_rss_bytes"] > cell["memory"]["artifact_bytes"]
    for process in cell["processes"]:
        assert process["build_type"] == "Release"
        assert process["threads_used"] == cell["plan"]["threads"]
        assert len(process["latencies_ns"]) >= cell["plan"]["min_iterations"]
        assert len(process["warmup_ns"]) >= cell["plan"]["warmup_iterations"]


def check_report(report: str) -> None:
    folder = Path(report).parent
    assert {"index.html", "report.md", "cells.csv"} <= {path.name for path in folder.iterdir()}
    assert list(folder.glob("*.svg"))
    assert list(folder.glob("*.png"))


@pytest.mark.device
def test_the_host_is_measured(run_harness: Callable[..., Any], tmp_path: Path) -> None:
    ended = run_harness("run", "--device", "host", *SMALL, "--min-time", "0.2", "--threads", "1,2", "--json")
    assert ended.exit_code == 0, ended.stderr
    cells = ended.document["cells"]
    assert sorted((c["variant"]["precision"], c["plan"]["threads"]) for c in cells) == [
        ("fp32", 1),
        ("fp32", 2),
        ("int8", 1),
        ("int8", 2),
    ]
    for cell in cells:
        check_cell(cell)
        assert cell["device"]["clock"] == "real"
    check_report(ended.document["report"])


@pytest.mark.device
def test_the_emulator_counts_the_same_instructions_twice(run_harness: Callable[..., Any]) -> None:
    ended = run_harness("run", "--device", "emulator", *SMALL, "--json")
    assert ended.exit_code == 0, ended.stderr
    cells = cells_by_precision(ended.document)
    for cell in cells.values():
        check_cell(cell)
        assert cell["device"]["abi"] == "arm64-v8a"
        assert cell["device"]["clock"] == "emulated"
        assert cell["verdict"]["status"] != "valid" or "latency" not in cell["verdict"]
        assert "emulated" in {reason["code"] for reason in cell["verdict"]["reasons"]}
        counts = {process["instructions_per_inference"] for process in cell["processes"]}
        assert len(counts) == 1
        assert cell["instructions_per_inference"] in counts
    assert cells["int8"]["instructions_per_inference"] < cells["fp32"]["instructions_per_inference"]
    check_report(ended.document["report"])


@pytest.mark.device
def test_a_second_run_lowers_and_pushes_nothing(run_harness: Callable[..., Any], tmp_path: Path) -> None:
    one = ("run", "--device", "host", "--width", "0.25", "--resolution", "32", "--precision", "fp32")
    quick = ("--processes", "1", "--min-time", "0.05")
    assert run_harness(*one, *quick, "--out", tmp_path / "first").exit_code == 0
    again = run_harness(*one, *quick, "--out", tmp_path / "second")
    assert again.exit_code == 0
    assert "pushing" not in again.stderr
    assert "lowered" not in again.stderr
    assert "report: " in again.stdout
