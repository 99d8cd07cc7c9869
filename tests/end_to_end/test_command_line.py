"""The command line as a user meets it: help, bad input, exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from builders import make_run
from harness.records import SCHEMA_VERSION
from harness.records.run_folder import write_cell, write_run
from harness_command import HarnessCommand
from synthetic import EMULATOR, simulate_cells

COMMANDS = (
    *("run", "lower", "report", "compare", "pick", "predict", "history", "export", "schema"),
    *("evaluate", "train", "devices", "doctor", "lab", "bundle"),
    *("lab start", "lab join", "lab status", "lab leave"),
    *("bundle build", "bundle export", "bundle import"),
)
HEAVY = (
    "rich",
    "torch",
    "executorch",
    "numpy",
    "scipy",
    "pandas",
    "matplotlib",
    "adb_shell",
    "cryptography",
    "ray",
)

TRAIN = ("train", "--dataset", "nowhere", "--out", "out.safetensors")
VERSION_1 = Path(__file__).resolve().parent.parent / "data" / "run-folder-1"


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_there_and_imports_nothing_heavy(command: str) -> None:
    script = (
        "import sys; from harness.cli.main import main\n"
        f"sys.argv = ['harness', *{command.split()!r}, '--help']\n"
        "try: main()\n"
        f"finally: print('heavy:', *(m for m in {HEAVY!r} if m in sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert "Usage: harness" in ended.stdout
    assert ended.stdout.rstrip().endswith("heavy:")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "complaints"),
    [
        (("run", "--device", "nosuch"), 4, ("no device 'nosuch'", "built in: host, emulator, arm-vm")),
        (("run", "--device", "$(touch evil)"), 4, ("no device '$(touch evil)'",)),
        (("run", "--device", "emulator:cortex-z1"), 2, ("no core 'cortex-z1'", "cortex-a76")),
        (("run", "--device", "arm-vm:telnet"), 2, ("takes no 'telnet'",)),
        (("run", "--device", "host", "--width", "0"), 2, ("above 0",)),
        (("run", "--device", "host", "--resolution", "100"), 2, ("96 is one",)),
        (("run", "--device", "host", "--precision", "int4"), 2, ("fp32, fp16, int8",)),
        (("run", "--device", "host", "--threads", "0"), 2, ("from 1",)),
        (("run", "--device", "host", "--processes", "0"), 2, ("processes",)),
        (("run", "-d", "host", "--min-time", "2", "--max-time", "1"), 2, ("--max-time 1s is less",)),
        (("run", "-d", "host", "--processes", "5", "--max-rounds", "4"), 2, ("fewer than --processes 5",)),
        (("run", "-d", "host", "--cores", "3-1"), 2, ("'3-1' is not a list of cores",)),
        (("run", "--frobnicate"), 2, ("frobnicate",)),
        (("frobnicate",), 2, ("frobnicate",)),
        (("run", "--resume", "nowhere"), 2, ("not a run folder",)),
        (("run", "--resume", "there", "-w", "0.5", "--quiet"), 2, ("--resume continues", "--width cannot")),
        ((*TRAIN, "--quantization-aware"), 2, ("starts from trained weights", "--from")),
        (
            (*TRAIN, "--from", "w.safetensors", "--quantization-aware", "--freeze-backbone"),
            2,
            ("--quantization-aware trains what --freeze-backbone keeps",),
        ),
        (
            (*TRAIN, "--from", "w.safetensors", "--freeze-backbone", "--epochs", "9"),
            2,
            ("--epochs has no effect with --freeze-backbone",),
        ),
        (("report", "nowhere"), 2, ("not a run folder",)),
        (("pick", "nowhere", "--max-latency", "20ms"), 2, ("not a run folder",)),
        (("compare", "nowhere", "nowhere"), 2, ("not a run folder",)),
        (("compare", "nowhere"), 2, ("not a run folder",)),
        (("compare", "nowhere", "--across"), 2, ("--across needs two run folders",)),
        (("run", "-d", "host", "--against", "nowhere"), 2, ("not a run folder",)),
        (
            ("run", "-d", "host", "--against", "there", "--search", "--max-latency", "9ms"),
            2,
            ("--search and --against conflict",),
        ),
        (("bundle", "import", "nowhere.tar.gz"), 2, ("nowhere.tar.gz",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_bad_input_is_refused_plainly_and_nothing_is_touched(
    run_harness: HarnessCommand,
    tmp_path: Path,
    arguments: tuple[str, ...],
    exit_code: int,
    complaints: tuple[str, ...],
) -> None:
    ended = run_harness(*arguments)
    assert ended.exit_code == exit_code
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    for words in complaints:
        assert words in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_example_inventory_is_printed_and_valid(run_harness: HarnessCommand, tmp_path: Path) -> None:
    example = run_harness("devices", "--example")
    assert example.exit_code == 0
    (tmp_path / "devices.toml").write_text(example.stdout)
    listed = run_harness("devices", "--json")
    assert listed.exit_code == 0
    assert [entry["name"] for entry in listed.document if entry["state"] == "configured"] == [
        "kitchen-pi",
        "pixel",
        "board",
    ]


def test_a_device_that_is_named_twice_is_planned_once_and_logged(run_harness: HarnessCommand) -> None:
    names = ("--device", "emulator,emulator:cortex-a76")
    ended = run_harness("run", *names, "-w", "0.25", "-r", "128", "-p", "fp32", "--dry-run", "--json")
    assert [device["name"] for device in ended.document["plan"]["devices"]] == ["emulator"]
    assert "emulator and emulator:cortex-a76 are one device: emulator\n" in ended.stderr


def test_a_wrong_inventory_stops_every_run(run_harness: HarnessCommand, tmp_path: Path) -> None:
    (tmp_path / "devices.toml").write_text("[devices.a]\nkind = 'toaster'\naddress = 'x'\n")
    ended = run_harness("run", "--device", "host")
    assert ended.exit_code == 2
    assert "line 2" in ended.stderr


def test_debug_shows_the_traceback(run_harness: HarnessCommand) -> None:
    ended = run_harness("--debug", "run", "--device", "host", "--width", "0")
    assert "Traceback" in ended.stderr


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    cells = simulate_cells(EMULATOR, widths=(0.25,), resolutions_px=(128,))
    write_run(tmp_path / "run", make_run(cells))
    for cell in cells:
        write_cell(tmp_path / "run", cell)
    return tmp_path / "run"


def test_a_run_compared_with_itself_is_no_worse(run_harness: HarnessCommand, run_folder: Path) -> None:
    assert run_harness("compare", run_folder, run_folder).exit_code == 0


@pytest.mark.parametrize("margin", ["0", "0%", "-3%", "150%", "wide"])
def test_a_margin_that_decides_nothing_is_refused(
    run_harness: HarnessCommand, run_folder: Path, margin: str
) -> None:
    ended = run_harness("compare", run_folder, run_folder, f"--margin={margin}")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "margin" in ended.stderr
    assert "--margin 3%" in ended.stderr


def test_a_cell_of_another_schema_version_is_named_and_left_out(
    run_harness: HarnessCommand, run_folder: Path
) -> None:
    path = min((run_folder / "cells").iterdir())
    path.write_text(path.read_text().replace(f'"{SCHEMA_VERSION}"', '"3.0"', 1))
    ended = run_harness("compare", run_folder, run_folder)
    assert ended.exit_code == 1
    assert path.name in ended.stderr
    assert "left out" in ended.stderr
    assert "has schema version 3.0; this harness reads versions 2.x" in ended.stderr


@pytest.mark.parametrize("command", [("report",), ("compare", VERSION_1), ("pick", "--max-memory", "1MB")])
def test_a_run_folder_of_the_previous_schema_version_is_refused_with_what_to_do(
    run_harness: HarnessCommand, command: tuple[str | Path, ...]
) -> None:
    name, *others = command
    ended = run_harness(name, VERSION_1, *others)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "has schema version 1; this harness reads versions 2.x" in ended.stderr
    assert "measure again into a new folder" in ended.stderr


@pytest.mark.slow
def test_a_core_that_is_not_on_line_is_named_with_those_that_are(run_harness: HarnessCommand) -> None:
    variant = ("--width", "0.25", "--resolution", "32", "--precision", "fp32")
    ended = run_harness("run", "--device", "host", *variant, "--cores", "4000", "--quiet")
    assert (ended.exit_code, ended.stdout) == (4, "")
    assert "core 4000 does not exist or is offline" in ended.stderr
    assert "choose --cores from: all (0" in ended.stderr
