"""Options of energy that make no sense are refused before anything is made; budgets name the unit."""

import subprocess
import sys
from pathlib import Path

import pytest

from builders import make_energy_cell, make_energy_run, make_run
from harness.cli.parsing import parse_power_command
from harness.cli.units import parse_energy
from harness.errors import UsageError
from harness.records.run_folder import write_cell, write_run


def harness(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", *words], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-d", "emulator", "--energy"), "--energy cannot be measured on emulator: its instructions are not"),
        (
            ("-d", "arm-vm", "--energy"),
            "--energy cannot be measured on arm-vm: no meter has its virtual",
        ),
        (
            ("--energy", "--rate", "30"),
            "--energy and --rate conflict: energy is that of",
        ),
        (
            ("--energy", "--against", "DIR"),
            "--energy and --against conflict: a pair of",
        ),
        (
            ("--energy", "--search", "--max-latency", "9ms"),
            "--energy and --search conflict: a search measures only some of the variants",
        ),
        (("--power-command", "true"), "--power-command measures energy, which is not asked for"),
        (("--energy", "--power-command", ""), "--power-command is empty"),
        (
            ("--energy", "--power-command", "'a"),
            '--power-command "\'a" is not a command line: No closing quotation',
        ),
        (
            ("--energy", "--power-command", "nonexistent-meter --fast"),
            "--power-command: there is no program 'nonexistent-meter' on this machine",
        ),
        (
            ("-d", "host,emulator", "--energy", "--power-command", "true"),
            "--power-command measures one device, and 2 are named",
        ),
        (
            ("--energy", "--time-limit", "1m"),
            "--energy takes 150 s of each cell, longer than --time-limit 60 s",
        ),
        (("--max-energy", "5mJ"), "--max-energy needs the energy of an inference"),
        (("--energy", "--max-energy", "5"), "--max-energy: '5' has no unit"),
        (("--energy", "--max-energy", "0mJ"), "--max-energy: '0mJ' is not above 0"),
        (("--energy", "--max-energy", "5mW"), "--max-energy: '5mW' has an unknown unit, 'mW'"),
    ],
)
def test_a_measurement_that_makes_no_sense_is_refused_before_anything_is_made(
    tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    device = () if "-d" in words else ("-d", "host")
    words = tuple(str(tmp_path) if word == "DIR" else word for word in words)
    done = harness("run", *device, "-w", "0.25", *words, "--out", str(tmp_path / "run"))
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {message}")
    assert "hint: " in done.stderr
    assert not (tmp_path / "run").exists()


def test_cold_starts_and_minutes_are_measured_beside_it_and_the_plan_says_how_long_all_take() -> None:
    done = harness("run", "-d", "host", "-w", "0.25", "--energy", "--cold", "--sustain", "60s", "--dry-run")
    assert done.stderr.startswith("error: --sustain and --cold conflict")
    done = harness(
        "run", "-d", "host", "-w", "0.25", "-p", "int8", "--energy", "--sustain", "60s", "--dry-run"
    )
    assert done.returncode == 0, done.stderr
    assert "1 sustained run of 1:00, energy of 1 cell, about 4 min" in done.stdout
    assert harness("run", "-d", "host", "-w", "0.25", "--energy", "--cold", "--dry-run").returncode == 0


@pytest.mark.parametrize(
    ("text", "joules"), [("5mJ", 0.005), ("0.2 J", 0.2), ("800uJ", 800e-6), ("800µJ", 800e-6), ("3mj", 0.003)]
)
def test_energies_have_a_unit(text: str, joules: float) -> None:
    assert parse_energy(text) == pytest.approx(joules)


def test_a_command_is_split_as_a_shell_does() -> None:
    assert parse_power_command("sh -c 'echo 1 2'") == ("sh", "-c", "echo 1 2")
    assert parse_power_command(None) == ()
    with pytest.raises(UsageError, match="names no program"):
        parse_power_command("  ")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run whose energy was read from a command."""
    from msgspec.structs import replace

    place = tmp_path / "run"
    cell = make_energy_cell(make_energy_run())
    run = make_run((cell,))
    write_run(place, replace(run, request=replace(run.request, energy="command")))
    write_cell(place, cell)
    return place


def test_a_resumed_run_needs_its_command_again(folder: Path) -> None:
    done = harness("run", "--resume", str(folder))
    assert done.returncode == 2
    assert done.stderr.startswith("error: the energy of this run is read from a command, which is not saved")
    assert "hint: give the same --power-command again" in done.stderr


def test_pick_answers_for_a_budget_of_energy(folder: Path) -> None:
    within, beyond = (harness("pick", str(folder), "--max-energy", text) for text in ("21mJ", "20mJ"))
    assert within.returncode == 0
    assert "20 mJ (at most 20." in within.stdout
    assert beyond.returncode == 1
    assert "is over 20 mJ" in beyond.stdout


def test_the_report_answers_for_a_budget_of_energy(folder: Path) -> None:
    done = harness("report", str(folder), "--max-energy", "20mJ")
    assert done.returncode == 0, done.stderr
    assert "is over 20 mJ" in (folder / "report" / "report.md").read_text()
    assert harness("report", str(folder), "--max-energy", "21mJ").returncode == 0
    assert "20 mJ (at most 20." in (folder / "report" / "report.md").read_text()
