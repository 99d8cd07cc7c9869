"""The QEMU plugin counts what really runs, exactly."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from runner_program import MakeRunner

from fakes import install_fake_qemu
from harness.devices.emulator.instruction_counter import ensure_instruction_counter
from harness.devices.emulator.qemu import ensure_qemu, qemu_cores, qemu_version
from harness.system.paths import cache_folder

pytestmark = pytest.mark.slow

# Two marked regions around a loop of 2 instructions and `iterations` rounds. After the first system call come
# 3 instructions before the loop and 4 after it, of which the last is the second system call.
ASSEMBLY = """
.globl _start
mark:
_start:
    mov x19, #2
again:
    mov x8, #167
    ldr x0, =0x48524e53
    mov x1, #1
    svc #0
    ldr x2, ={iterations}
    nop
    nop
loop:
    subs x2, x2, #1
    b.ne loop
    mov x8, #167
    ldr x0, =0x48524e53
    mov x1, #2
    svc #0
    subs x19, x19, #1
    b.ne again
    mov x8, #93
    mov x0, #0
    svc #0
"""


def count(folder: Path, iterations: int) -> str:
    """What the counter says of the program, run by the QEMU that is used here."""
    compiler = shutil.which("aarch64-linux-gnu-gcc")
    if compiler is None or shutil.which("qemu-aarch64") is None:
        pytest.skip("needs gcc-aarch64-linux-gnu and qemu-user")
    (folder / "known.S").write_text(ASSEMBLY.format(iterations=iterations))
    build = [compiler, "-nostdlib", "-static", "-o", str(folder / "known"), str(folder / "known.S")]
    subprocess.run(build, check=True, timeout=60)
    plugin = f"{ensure_instruction_counter()},out={folder}/counts"
    subprocess.run([*ensure_qemu(), "-plugin", plugin, str(folder / "known")], check=True, timeout=60)
    return (folder / "counts").read_text()


@pytest.mark.parametrize("iterations", [1, 1000, 1_000_003])
def test_counts_a_known_program_to_the_last_instruction(tmp_path: Path, iterations: int) -> None:
    assert count(tmp_path, iterations) == f"{3 + 2 * iterations + 4}\n" * 2


def test_where_qemu_loads_no_plugins_debians_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_fake_qemu(tmp_path / "bin", "10.0.13", plugins=False)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    assert str(cache_folder() / "qemu") in ensure_qemu()[0]
    assert qemu_version().startswith("7.2.")
    assert "cortex-a76" in qemu_cores()
    assert count(tmp_path, 1_000_003) == f"{3 + 2 * 1_000_003 + 4}\n" * 2


def counts_of(make_arm_runner: MakeRunner, *options: str) -> list[int]:
    """That of the initialization, then that of each counted inference."""
    plugin = ensure_instruction_counter()
    runner = make_arm_runner("-plugin", f"{plugin},out=counts")
    runner.measure("delegated", "--warmup-iterations", "3", "--mark-counted", *options)
    counts = (runner.folder / "counts").read_text()
    return [int(line) for line in counts.splitlines()]


def test_counts_initialization_and_each_counted_inference_and_repeats_exactly(
    make_arm_runner: MakeRunner,
) -> None:
    first = counts_of(make_arm_runner, "--counted-iterations", "5")
    second = counts_of(make_arm_runner, "--counted-iterations", "5")
    initialization, *inferences = first
    assert initialization > 0
    assert len(inferences) == 5
    assert len(set(inferences)) == 1
    assert first == second


def test_counts_the_work_of_all_threads(make_arm_runner: MakeRunner) -> None:
    _, alone = counts_of(make_arm_runner, "--counted-iterations", "1")
    _, *shared = counts_of(make_arm_runner, "--counted-iterations", "3", "--threads", "2")
    # The same work and the pool's waiting besides.
    assert min(shared) > 0.95 * alone


@pytest.mark.parametrize(
    ("arguments", "message"),
    [("", "wants exactly one argument, out=PATH"), (",out=/nonexistent/counts", "cannot write its file")],
)
def test_refuses_to_count_into_nothing(make_arm_runner: MakeRunner, arguments: str, message: str) -> None:
    ended = make_arm_runner("-plugin", f"{ensure_instruction_counter()}{arguments}").run()
    assert ended.returncode != 0
    assert message in ended.stderr
