"""The table that ends a run, on terminals of different widths."""

from pathlib import Path

import pytest
import typer
from msgspec.structs import replace

from builders import STEADY_MEDIANS, make_cell, make_plan, make_run, with_verdict
from harness.analysis.interleaved import compare_interleaved
from harness.cli.summary import show_outcome
from harness.measuring.run_outcome import Outcome
from harness.records import BaseRun


def shown(columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(typer.Exit) as ended:
        show_outcome(Outcome(Path("results/r"), (make_cell(),), ()), json=False)
    assert ended.value.exit_code == 0
    return capsys.readouterr().out


def test_the_table_shows_startup_where_there_is_room(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = shown(140, monkeypatch, capsys)
    assert "start-up ms" in table
    assert "44.0" in table
    assert "Start-up is load, init and first inference" in table


def test_a_log_keeps_startup_and_drops_what_decides_less(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = shown(100, monkeypatch, capsys)
    assert "start-up ms" in table
    assert "file MB" not in table


def test_a_narrow_terminal_drops_nothing_and_puts_the_figures_of_a_row_below_its_name_and_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(80, monkeypatch, capsys).splitlines()
    assert lines[1] == "0.5/128 ★ fp32: valid"
    assert lines[2].startswith("  threads 1, latency 10.002 ± 0.019 ms, ")
    assert "start-up 44.0" in " ".join(lines)
    assert "file 5.30 MB" in " ".join(lines)
    assert max(map(len, lines[1:5])) <= 80


def test_real_devices_come_before_emulated_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    device = replace(make_cell().device, name="emulator", clock="emulated")
    emulated = replace(make_cell(), device=device, instructions_per_inference=7_000_000)
    with pytest.raises(typer.Exit):
        show_outcome(Outcome(Path("results/r"), (emulated, make_cell()), ()), json=False)
    table = capsys.readouterr().out
    assert 0 <= table.index(f"{make_cell().device.name}: ") < table.index("emulator: ")


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 120])
def test_name_threads_and_verdict_are_whole_at_every_width(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    cells = tuple(make_cell(plan=make_plan(threads=threads)) for threads in (1, 2))
    with pytest.raises(typer.Exit):
        show_outcome(Outcome(Path("results/r"), cells, ()), json=False)
    table = capsys.readouterr().out
    assert table.count("0.5/128") >= 2
    assert table.count("fp32") >= 2
    assert table.count("valid") >= 2
    assert "threads" in table


def test_cells_that_differ_only_in_cores_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    cells = tuple(make_cell(plan=make_plan(cpus=cpus, processes=1)) for cpus in ("0-3", "0-1"))
    cells = tuple(with_verdict(cell, "suspect", cell.plan.cpus or "", "why") for cell in cells)
    with pytest.raises(typer.Exit):
        show_outcome(Outcome(Path("results/r"), cells, ()), json=False)
    printed = capsys.readouterr().out
    assert "suspect: 0-3 (0.5/128 fp32 on all)" in printed
    assert "suspect: 0-1 (0.5/128 fp32 on 0-1)" in printed


@pytest.mark.parametrize(("rounds", "code"), [(3, 3), (6, 0)])
def test_a_run_against_a_base_ends_with_the_result_of_the_comparison(
    rounds: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = make_cell(STEADY_MEDIANS[:rounds])
    base = BaseRun(id="main", started_at="2026-01-01T00:00:00Z", versions={})
    compared = compare_interleaved(replace(make_run((cell,)), base=base), [cell], [cell])
    with pytest.raises(typer.Exit) as ended:
        show_outcome(Outcome(Path("results/r"), (cell,), (), against=compared), json=False)
    assert ended.value.exit_code == code
    shown = capsys.readouterr().out
    assert "programs of run main" in shown
    assert "next: harness compare results/r\n" in shown
