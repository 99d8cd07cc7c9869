"""The command line as a user meets it: help, bad input, exit codes."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

COMMANDS = ("run", "lower", "evaluate", "train", "report", "pick", "compare", "devices", "bundle")
HEAVY = ("torch", "executorch", "numpy", "scipy", "pandas", "matplotlib", "adb_shell", "cryptography")

RunHarness = Callable[..., Any]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_there_and_imports_nothing_heavy(command: str) -> None:
    script = (
        "import sys; from harness.cli import main\n"
        f"sys.argv = ['harness', *{command.split()!r}, '--help']\n"
        "try: main()\n"
        f"finally: print('heavy:', *(m for m in {HEAVY!r} if m in sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert "Usage: harness" in ended.stdout
    assert ended.stdout.rstrip().endswith("heavy:")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (("run", "--device", "nosuch"), 4, ("no device 'nosuch'", "built in: host, emulator, arm-vm")),
        (("run", "--device", "$(touch evil)"), 4, ("no device '$(touch evil)'",)),
        (("run", "--device", "emulator:cortex-z1"), 2, ("no core 'cortex-z1'", "cortex-a76")),
        (("run", "--device", "arm-vm:telnet"), 2, ("takes no 'telnet'",)),
        (("run", "--device", "host", "--width", "0"), 2, ("above 0",)),
        (("run", "--device", "host", "--resolution", "100"), 2, ("96 is one",)),
        (("run", "--device", "host", "--precision", "int4"), 2, ("fp32, int8",)),
        (("run", "--device", "host", "--threads", "0"), 2, ("from 1",)),
        (("run", "--device", "host", "--processes", "0"), 2, ("processes",)),
        (("run", "--frobnicate"), 2, ("frobnicate",)),
        (("frobnicate",), 2, ("frobnicate",)),
        (("run", "--resume", "nowhere"), 2, ("not a run folder",)),
        (("run", "--resume", "there", "-w", "0.5", "--quiet"), 2, ("--resume goes on", "--width cannot")),
        (("report", "nowhere"), 2, ("not a run folder",)),
        (("pick", "nowhere", "--max-latency", "20ms"), 2, ("not a run folder",)),
        (("compare", "nowhere", "nowhere"), 2, ("not a run folder",)),
        (("bundle", "import", "nowhere.tar.gz"), 1, ("nowhere.tar.gz",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_bad_input_is_told_plainly_and_nothing_is_touched(
    run_harness: RunHarness,
    tmp_path: Path,
    arguments: tuple[str, ...],
    exit_code: int,
    says: tuple[str, ...],
) -> None:
    ended = run_harness(*arguments)
    assert ended.exit_code == exit_code
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    for words in says:
        assert words in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_example_inventory_is_printed_and_valid(run_harness: RunHarness, tmp_path: Path) -> None:
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


def test_a_wrong_inventory_stops_every_run(run_harness: RunHarness, tmp_path: Path) -> None:
    (tmp_path / "devices.toml").write_text("[devices.a]\nkind = 'toaster'\naddress = 'x'\n")
    ended = run_harness("run", "--device", "host")
    assert ended.exit_code == 2
    assert "line 2" in ended.stderr


def test_debug_shows_the_traceback(run_harness: RunHarness) -> None:
    ended = run_harness("--debug", "run", "--device", "host", "--width", "0")
    assert "Traceback" in ended.stderr
