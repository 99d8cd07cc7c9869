"""`make gate`: the saved base, and that the comparison fails when an inference costs more."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.records.run_folder import load_run

PROJECT = Path(__file__).resolve().parents[2]
BASE = PROJECT / "benchmarks" / "base"
MAKEFILE = (PROJECT / "Makefile").read_text()


@pytest.fixture
def new_run(tmp_path: Path) -> Path:
    """A copy of the base that a test may change."""
    return Path(shutil.copytree(BASE, tmp_path / "new"))


def edit_instructions(run: Path, name: str, factor: float) -> None:
    """Let every process of a cell count `factor` times as many instructions."""
    (path,) = (run / "cells").glob(f"*{name}*.json")
    cell: dict[str, Any] = json.loads(path.read_text())
    for process in cell["processes"]:
        process["instructions_per_inference"] = round(process["instructions_per_inference"] * factor)
    median = cell["processes"][0]["instructions_per_inference"]
    cell["instructions_per_inference"] = median
    path.write_text(json.dumps(cell))


def compare_with_base(new: Path) -> subprocess.CompletedProcess[str]:
    """Run the recipe's own command line."""
    recipe = re.search(r"^\t\$\(BIN\)/harness (compare benchmarks/base .*)$", MAKEFILE, re.MULTILINE)
    margin = re.search(r"^GATE_MARGIN = (\S+)$", MAKEFILE, re.MULTILINE)
    assert recipe
    assert margin
    words = recipe[1].replace("$(GATE_MARGIN)", margin[1]).replace("$(GATE_RUN)", str(new)).split()
    return subprocess.run(
        [sys.executable, "-m", "harness", *words], cwd=PROJECT, capture_output=True, text=True, timeout=120
    )


def test_a_run_that_costs_the_same_passes(new_run: Path) -> None:
    done = compare_with_base(new_run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 no worse" in done.stdout


@pytest.mark.parametrize("name", ["0.25_128_fp32", "0.25_128_int8", "0.5_128_fp32", "0.5_128_int8"])
def test_a_tenth_of_a_percent_more_instructions_in_one_variant_fails(new_run: Path, name: str) -> None:
    edit_instructions(new_run, name, 1.001)
    done = compare_with_base(new_run)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 worse" in done.stdout
    assert "+0.1 %" in done.stdout


def test_what_another_c_library_adds_passes(new_run: Path) -> None:
    edit_instructions(new_run, "0.5_128_int8", 1.0003)
    assert compare_with_base(new_run).returncode == 0


def test_another_host_and_another_qemu_are_compared_and_named(new_run: Path) -> None:
    for path in (new_run / "cells").iterdir():
        cell: dict[str, Any] = json.loads(path.read_text())
        cell["device"].update(model="QEMU 9.0.0 user-mode cortex-a76", kernel="6.1.0")
        path.write_text(json.dumps(cell))
    done = compare_with_base(new_run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "QEMU 9.0.0" in done.stdout


def test_the_base_holds_four_counted_variants() -> None:
    _, cells = load_run(BASE)
    assert sorted(cell.variant.name for cell in cells) == [
        f"mobilenet_v1_{width}_128_{precision}" for width in ("0.25", "0.5") for precision in ("fp32", "int8")
    ]
    for cell in cells:
        counts = {process.instructions_per_inference for process in cell.processes}
        assert len(cell.processes) == 2
        assert len(counts) == 1
        assert None not in counts


def test_the_base_is_small_and_names_no_path_of_the_machine_that_measured_it() -> None:
    files = [path for path in BASE.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 2**20
    for path in files:
        assert not re.search(r'"/(tmp|home|root|work)\b', path.read_text()), path
