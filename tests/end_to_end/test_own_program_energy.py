"""The energy of an own program, from a meter that knows when the runner computes."""

import hashlib
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from own_program_runs import BRIEF, cells_by_model, run_own

from harness_command import Ended, HarnessCommand

pytestmark = pytest.mark.slow

# Shows 2 W more while the runner computes: a process of the loader with the program's digest in its words.
METER = """
import sys, time
from pathlib import Path
def words(process):
    try:
        return (process / "cmdline").read_bytes().split(bytes(1))
    except OSError:
        return []
while True:
    running = [given for process in Path("/proc").glob("[0-9]*") if (given := words(process))]
    works = any(b"ld-linux" in given[0] and sys.argv[1].encode() in b" ".join(given) for given in running)
    print(time.time_ns(), 3.0 if works else 1.0, flush=True)
    time.sleep(0.15)
"""
# A harness as it is, but for windows of a tenth: the real ones take 150 s, in which nothing else is measured.
BRIEF_WINDOWS = """
import dataclasses, sys
from harness.measuring import parallel
from harness.records import energy_checks
from harness.runner import energy_readings
energy_readings.SHORTEST_WINDOW_S = energy_checks.SHORTEST_WINDOW_S = 3
def brief(request, command, whole=parallel.energy_plan):
    return dataclasses.replace(whole(request, command), load_seconds=6, idle_seconds=5, settling_seconds=1)
parallel.energy_plan = brief
from harness.cli.main import main
sys.exit(main())
"""


def meter_command(folder: Path, script: str, *words: str) -> str:
    file = folder / "meter.py"
    file.write_text(script)
    return shlex.join((sys.executable, str(file), *words))


def test_the_energy_of_an_own_program_is_read_from_a_meter(own_programs: Path, tmp_path: Path) -> None:
    program = own_programs / "two_inputs.pte"
    meter = meter_command(tmp_path, METER, hashlib.sha256(program.read_bytes()).hexdigest())
    words = ("run", "-d", "host", *BRIEF, "--program", program, "--energy", "--power-command", meter)
    ended = subprocess.run(
        [sys.executable, "-c", BRIEF_WINDOWS, *map(str, words)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    (cell,) = cells_by_model(Ended(ended.returncode, ended.stdout, ended.stderr)).values()
    energy = cell["energy"]
    assert energy["unavailable"] is None
    assert energy["run"]["source"]["kind"] == "power_command"
    figures, run = energy["figures"], energy["run"]
    assert figures["idle_before_watts"] == pytest.approx(1.0, rel=0.05)
    assert figures["mean_watts"] == pytest.approx(3.0, rel=0.05)
    seconds = run["load"]["seconds"] / run["inferences"]
    assert figures["net_joules"]["estimate"] == pytest.approx(2.0 * seconds, rel=0.1)


def test_a_meter_of_no_use_leaves_an_own_programs_other_figures_and_hints_at_the_command(
    run_harness: HarnessCommand, own_programs: Path, tmp_path: Path
) -> None:
    meter = meter_command(tmp_path, "import time\nprint('volts', flush=True)\ntime.sleep(600)\n")
    program = own_programs / "two_inputs.pte"
    ended = run_own(run_harness, "host", "--program", program, "--energy", "--power-command", meter)
    assert ended.exit_code == 1
    (cell,) = ended.document["cells"]
    assert cell["latency"]["median_ns"]["estimate"] > 0
    assert "'volts', which is not <unix_ns> <watts>" in cell["energy"]["unavailable"]
    (error,) = ended.document["errors"]
    assert "try the --power-command alone" in error["hint"]
    assert "sensors" not in error["hint"]
