"""Run folders with one damaged or hostile file: named and left out, or used; the other cells stand."""

import os
import random
import resource
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from builders import (
    make_energy_cell,
    make_energy_run,
    make_run,
    make_sustained_cell,
    make_sustained_run,
    with_accuracy,
)
from damaged_json import damage
from evaluations import make_evaluation
from harness.accuracy.store import pair_with_fp32, save_evaluation
from harness.analysis import comparison, comparison_text, selection, selection_text
from harness.analysis.budget import Budget
from harness.analysis.machines import cells_of_runs
from harness.errors import HarnessError, MeasurementError, UsageError
from harness.measuring.run_record import start_record
from harness.records import Cell, Run
from harness.records.outcomes import OutcomesByFigures, read_outcomes
from harness.records.run_folder import (
    LoadedRuns,
    load_intact_runs,
    load_run,
    read_cells,
    run_identity,
    write_cell,
    write_run,
)
from reports.cells_csv import write_csv
from reports.pages import Page, describe_parts, render_html, render_markdown
from reports.report import write_report
from reports.sections import arrange
from reports.tables import summarise
from synthetic import EMULATOR, PHONE, simulate_cells

MAX_SECONDS = 10
# On a busy machine a second of computing takes several.
MAX_WAITING_SECONDS = 120
MAX_GROWTH_KB = 1 << 20
# Every plot is drawn for one input in 200, and one in five is resumed: they take the longest.
DRAWN, RESUMED = 200, 5


@pytest.fixture(scope="module")
def cells() -> tuple[Cell, ...]:
    phone = simulate_cells(PHONE, widths=(0.25, 0.5), resolutions_px=(128,))
    hot = make_sustained_run((30, 9.0), (30, 11.0), khz=(1_800_000, 1_440_000))
    first, *others = (with_accuracy(cell, 0.6) for cell in phone)
    first = make_energy_cell(make_energy_run(), first)
    return (make_sustained_cell(hot, first), *others, *_few(EMULATOR))


def _few(device: Any) -> tuple[Cell, ...]:
    return simulate_cells(device, widths=(0.25,), resolutions_px=(128,), precisions=("fp32",))


@pytest.fixture(scope="module")
def run(cells: tuple[Cell, ...]) -> Run:
    return make_run(cells)


@pytest.fixture
def folder(tmp_path: Path, cells: tuple[Cell, ...], run: Run) -> Path:
    folder = tmp_path / "run"
    write_run(folder, run)
    for cell in cells:
        write_cell(folder, cell)
        if cell.accuracy:
            save_evaluation(folder, make_evaluation("110" * 9, artifact_sha256=cell.artifact.sha256), [cell])
    pair_with_fp32(folder)
    return folder


def _use(folder: Path, original: tuple[Cell, ...], *, draw: bool) -> tuple[HarnessError, ...]:
    """What report, pick, compare and summary do with a folder; returns the damaged cells."""
    runs, errors = load_intact_runs([folder])
    cells = cells_of_runs(members for _, members in runs)
    outcomes = read_outcomes(folder, cells)
    out = folder.parent / "out"
    out.mkdir(exist_ok=True)
    write_csv(runs, out / "cells.csv")
    _render(runs, cells, outcomes)
    if draw:
        write_report(runs, out / "report")
    summarise(cells)
    for budget in (Budget(), Budget(max_latency_ns=20e6, max_memory_bytes=40_000_000, min_accuracy=0.5)):
        with suppress(UsageError):
            chosen = selection.pick(cells, budget, outcomes=outcomes)
            text = selection_text.explain(chosen, all_rejected=True)
            assert all(line.isprintable() for line in text.splitlines()), text
    for base, new in ((original, cells), (cells, original)):
        with suppress(UsageError):
            compared = comparison.compare(
                base, new, across=True, base_outcomes=outcomes, new_outcomes=outcomes
            )
            msgspec.json.encode(compared)
            comparison_text.to_markdown(compared)
            comparison_text.to_lines(compared, 100)
    return errors


def _render(runs: LoadedRuns, cells: tuple[Cell, ...], outcomes: OutcomesByFigures) -> None:
    page = Page(tuple(run for run, _ in runs), arrange(cells), outcomes=outcomes)
    parts = describe_parts(page)
    assert render_html(page, parts).count("<script") == 2
    render_markdown(page, parts)


def _resume(folder: Path, run: Run) -> None:
    with suppress(UsageError):
        start_record(run.request, folder)
        run_identity(folder)
        for cell in read_cells(folder):
            with suppress(MeasurementError):
                write_cell(folder, cell)
        pair_with_fp32(folder)


def _wrong_files(folder: Path) -> set[str]:
    return {str(path) for path in folder.iterdir()} - {str(folder / "run"), str(folder / "out")}


def _check(folder: Path, original: tuple[Cell, ...], damaged: Path, *, draw: bool) -> None:
    """The damaged file is named, if it is not used; the figures of the others are what they were."""
    intact = {cell.name: cell for cell in original}
    if damaged.name == "run.json":
        with suppress(UsageError):
            _use(folder, original, draw=draw)
        return
    errors = _use(folder, original, draw=draw)
    assert len(errors) <= 1
    for error in errors:
        assert damaged.name in error.what
        assert error.exit_code == 1
    ((_, loaded),), _ = load_intact_runs([folder])
    same = sum(intact.get(cell.name) == cell for cell in loaded)
    assert same >= len(original) - (damaged.parent.name == "cells")
    assert len(loaded) == len(original) - len(errors)


def _put_instead(file: Path, chance: random.Random) -> None:
    """Something else than a file in its place, or a link to another one."""
    file.unlink()
    match chance.choice(("fifo", "folder", "socket", "endless", "loop", "nowhere", "other")):
        case "fifo":
            os.mkfifo(file)
        case "folder":
            file.mkdir()
        case "socket":
            os.mknod(file, 0o600 | stat.S_IFSOCK)
        case "endless":
            file.symlink_to("/dev/zero")
        case "loop":
            file.symlink_to(file.name)
        case "nowhere":
            file.symlink_to("nowhere")
        case _:
            file.symlink_to(chance.choice([path for path in sorted(file.parent.iterdir()) if path != file]))


def _restore(folder: Path, files: dict[Path, bytes]) -> None:
    """Put the damaged file back, and remove those that resuming wrote for a cell of another name."""
    for path in set(_targets(folder)) - set(files):
        path.unlink()
    for path, content in files.items():
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        elif path.is_symlink() or not path.is_file():
            path.unlink(missing_ok=True)
        path.write_bytes(content)


def _targets(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.json"))


def test_one_damaged_file_is_named_or_used_and_the_other_cells_stand(
    folder: Path, cells: tuple[Cell, ...], run: Run, tmp_path: Path, fuzz_runs: int
) -> None:
    original = load_run(folder)[1]
    files = {path: path.read_bytes() for path in _targets(folder)}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in range(fuzz_runs):
        chance = random.Random(f"cells {seed}")
        # Most inputs damage a cell: there is one run.json and there are few evaluations.
        of_cells = [path for path in files if path.parent.name == "cells"]
        file = chance.choice(of_cells if chance.random() < 0.6 else list(files))
        if chance.random() < 0.05:
            _put_instead(file, chance)
        else:
            file.write_bytes(damage(files[file], chance))
        start, computed = time.monotonic(), time.process_time()
        try:
            _check(folder, original, file, draw=seed % DRAWN == DRAWN - 1)
            if seed % RESUMED == 0:
                _resume(folder, run)
        except BaseException as error:
            error.add_note(f"seed {seed}, {file.relative_to(folder)}")
            raise
        assert time.process_time() - computed < MAX_SECONDS, f"seed {seed}"
        assert time.monotonic() - start < MAX_WAITING_SECONDS, f"seed {seed}"
        assert not _wrong_files(tmp_path), f"seed {seed}"
        _restore(folder, files)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MAX_GROWTH_KB, f"{grown} kB"
