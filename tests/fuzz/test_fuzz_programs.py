"""Mutated programs: the reader and the runner on this machine, and `harness run` itself, survive all of them.

The reader gets files written field by field; the runner, which executes, gets what torch lowered.
"""

import random
import resource
import time
from pathlib import Path

import pytest
from damaged_bytes import change_bytes

from harness.errors import BundleError, MeasurementError, UsageError
from harness.lowering.own_programs import HostOutputs
from harness.lowering.program_file import Method, read_program
from harness.lowering.program_inputs import encode_inputs
from harness.runner.bundle import Bundle, ensure_bundle
from harness.runner.local_run import host_abi, run_here
from program_files import MethodText, ProgramText, Tensor

# Of one file; the reader takes a millisecond, and a busy machine makes that many.
LONGEST_READ_S = 5.0
LONGEST_RUN_S = 20.0
MOST_GROWTH_BYTES = 512 * 2**20
WRITTEN = (
    ProgramText(),
    ProgramText(
        (
            MethodText(
                inputs=(Tensor(scalar_type=4, sizes=(1, 6)), Tensor(sizes=(8, 16), dynamism=1)),
                outputs=(Tensor(), Tensor(scalar_type=11, sizes=(), dim_order=())),
                operators=(("aten::add", "out"), ("aten::mean", "out")),
                calls=(0, 1, 0),
            ),
            MethodText(name="encode", delegates=()),
        ),
        segments=(64, 128),
    ),
)


def _damage(content: bytes, chance: random.Random) -> bytes:
    """Mostly in the description, which the first bytes are; weights can hold anything."""
    return change_bytes(content, chance, lambda damaged: chance.randrange(min(len(damaged), 4096)))


def _read_all(path: Path) -> list[Method]:
    """Every method that can be measured; anything but a UsageError is a defect."""
    try:
        program = read_program(path)
    except UsageError:
        return []
    found = []
    for name in list(program.plans):
        try:
            method = program.method(name)
            encode_inputs(path.name, method.inputs, (), 0)
        except UsageError:
            continue
        found.append(method)
    return found


def test_the_reader_refuses_or_reads_every_mutated_program_soon(fuzz_runs: int, tmp_path: Path) -> None:
    contents = [text.encode() for text in WRITTEN]
    path = tmp_path / "net.pte"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read = 0
    for seed in range(fuzz_runs):
        chance = random.Random(seed)
        path.write_bytes(_damage(chance.choice(contents), chance))
        began = time.monotonic()
        read += bool(_read_all(path))
        assert time.monotonic() - began < LONGEST_READ_S, seed
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    assert grown < MOST_GROWTH_BYTES
    # Some changes leave the program readable: the fuzzer is not only at the first check.
    assert read > 0


@pytest.mark.slow
def test_the_runner_of_this_machine_fails_dies_or_answers_and_nothing_else(
    fuzz_runs: int, own_programs: Path, tmp_path: Path
) -> None:
    try:
        bundle = ensure_bundle(host_abi())
    except BundleError as error:
        pytest.skip(f"a C++ compiler is not installed: {error.what}")
    contents = [path.read_bytes() for path in sorted(own_programs.glob("*.pte"))]
    answered = failed = 0
    for seed in range(fuzz_runs):
        chance = random.Random(seed)
        path = tmp_path / "net.pte"
        path.write_bytes(_damage(chance.choice(contents), chance))
        for method in _read_all(path):
            if _run(bundle, path, method):
                answered += 1
            else:
                failed += 1
    assert answered > 0
    assert failed > 0


def _run(bundle: Bundle, path: Path, method: Method) -> HostOutputs | None:
    """What the runner gives, or None where it fails, dies or takes too long, as a MeasurementError says."""
    inputs = path.with_suffix(".bin")
    inputs.write_bytes(encode_inputs(path.name, method.inputs, (), 0))
    began = time.monotonic()
    try:
        found = run_here(bundle, path, inputs, method, timeout_s=LONGEST_RUN_S)
    except MeasurementError:
        found = None
    assert time.monotonic() - began < LONGEST_RUN_S + LONGEST_READ_S
    return found
