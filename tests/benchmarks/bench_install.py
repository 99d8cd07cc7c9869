"""What a light installation takes, and that it measures without PyTorch and without a compiler.

Wheels of this checkout are installed with pip into a new environment, and used with a PATH on which nothing
compiles. Needs a package index. Exit code 1 when a goal is missed.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.devices.arm_vm.machine import boot
from harness.system.paths import PROJECT

# The modules that tests share.
sys.path.insert(0, str(PROJECT / "tests"))
from machine_user import user_environment

GOAL_MB = 250
BASE = str(PROJECT / "benchmarks" / "base")
COMPILERS = re.compile(
    r"(.*-linux-gnu-)?(gcc|g\+\+|c\+\+|cc|clang|clang\+\+|cpp|c89|c99|ld|as|gold|tcc|cmake|ninja)(-.*)?"
)
LOWERED = ("--width", "0.25", "--resolution", "32", "--precision", "fp32")
QUICK = ("--processes", "1", "--warmup", "1", "--iterations", "5", "--min-time", "0")
COMMANDS: Sequence[tuple[str, ...]] = (
    ("bundle", "build"),
    ("doctor",),
    ("devices",),
    ("compare", BASE, BASE),
    ("pick", BASE),
    ("report", BASE, "--out", "report"),
)


def main() -> int:
    """Print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        return check(Path(scratch))


def check(scratch: Path) -> int:
    """Install and try; returns the exit code."""
    wheels = scratch / "wheels"
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)], cwd=PROJECT)
    run([sys.executable, str(PROJECT / ".ci" / "runner_wheel.py"), str(wheels)], cwd=PROJECT)
    run([sys.executable, "-m", "venv", str(scratch / "venv")], cwd=scratch)
    before_mb, before_blocks_mb = sizes_mb(scratch / "venv")
    run([str(scratch / "venv" / "bin" / "pip"), "install", "-q", *map(str, wheels.iterdir())], cwd=scratch)
    after_mb, after_blocks_mb = sizes_mb(scratch / "venv")
    grown_mb, blocks_mb = after_mb - before_mb, after_blocks_mb - before_blocks_mb
    print(f"installed: {grown_mb:.0f} MB of files, goal below {GOAL_MB}; {blocks_mb:.0f} MB of blocks")
    failed = grown_mb >= GOAL_MB
    environment = {
        "PATH": f"{scratch / 'venv' / 'bin'}:{without_compilers(scratch / 'programs')}",
        "HOME": str(scratch),
        "HARNESS_CACHE": str(scratch / "cache"),
    }
    worked = [try_command(command, scratch, environment) for command in COMMANDS]
    # Lowered here: a light installation measures what it is given.
    lowered = scratch / "lowered"
    run([sys.executable, "-m", "harness", "lower", *LOWERED, "--out", str(lowered)], cwd=scratch)
    (program,) = lowered.glob("*.pte")
    measure = ("run", "--program", str(program), *QUICK, "--device")
    worked.append(try_command((*measure, "host"), scratch, environment))
    with boot(virtual_time=False) as machine:
        (scratch / "devices.toml").write_text(
            f"[devices.board]\nkind = 'linux_board'\naddress = '{machine.ssh_user}@127.0.0.1'\n"
            f"port = {machine.ssh_port}\n"
        )
        (scratch / "ssh").mkdir()
        user_environment(machine, scratch / "ssh")
        path = f"{scratch / 'ssh'}:{environment['PATH']}"
        worked.append(try_command((*measure, "board"), scratch, {**environment, "PATH": path}))
    return int(failed or not all(worked))


def try_command(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> bool:
    """Run a command of the installed harness; what it printed is shown only where it failed."""
    ended = subprocess.run(
        ["harness", *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    print(f"harness {' '.join(command)}: exit code {ended.returncode}")
    if ended.returncode:
        print(ended.stdout[-2000:], ended.stderr[-2000:])
    return ended.returncode == 0


def run(argv: Sequence[str], cwd: Path) -> None:
    """Run a step that is no measurement."""
    subprocess.run(argv, cwd=cwd, check=True, timeout=900, stdout=subprocess.DEVNULL)


def sizes_mb(folder: Path) -> tuple[float, float]:
    """The lengths of the files in a folder, and the blocks that they take on this disk."""
    files = [path.lstat() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sum(one.st_size for one in files) / 1e6, sum(one.st_blocks * 512 for one in files) / 1e6


def without_compilers(folder: Path) -> Path:
    """A folder of links to the programs of this system but those that compile or link."""
    folder.mkdir()
    for place in ("/usr/sbin", "/usr/bin"):
        for program in os.scandir(place):
            if not COMPILERS.fullmatch(program.name) and not (folder / program.name).is_symlink():
                (folder / program.name).symlink_to(program.path)
    return folder


if __name__ == "__main__":
    sys.exit(main())
