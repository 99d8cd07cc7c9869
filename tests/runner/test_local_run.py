"""One inference of an own program on this machine: every end of the runner is a MeasurementError.

The runner here is a script; `tests/fuzz/test_fuzz_programs.py` has the real one.
"""

import time
from pathlib import Path

import pytest

from harness.errors import BundleError, MeasurementError
from harness.lowering.own_programs import HostOutputs
from harness.lowering.program_file import Method, read_program
from harness.runner.bundle import Bundle
from harness.runner.local_run import list_capabilities, run_here
from program_files import ProgramText


@pytest.fixture
def method(tmp_path: Path) -> Method:
    return read_program(ProgramText().write(tmp_path / "net.pte")).method("forward")


def bundle(folder: Path, script: str) -> Bundle:
    """A bundle whose loader is this script."""
    loader = folder / "loader.sh"
    loader.write_text(f"#!/bin/sh\n{script}\n")
    loader.chmod(0o755)
    return Bundle(abi="x86_64", folder=folder, loader=loader.name, sha256="b" * 64, files=())


def run(tmp_path: Path, method: Method, script: str, *, timeout_s: float = 30.0) -> HostOutputs:
    program = tmp_path / "net.pte"
    return run_here(bundle(tmp_path, script), program, program, method, timeout_s=timeout_s)


ENDS = {
    "exit 3": "the runner failed",
    "echo 'runner: cannot initialize the model' >&2; exit 3": "cannot initialize the model",
    "kill -SEGV $$": "the runner was killed by signal 11",
    "exit 0": "No such file",
    'while [ "$1" != --report ]; do shift; done; echo "{}" >"$2"': "the runner's report is malformed",
    'while [ "$1" != --report ]; do shift; done; mkfifo "$2"': "regular",
    'while [ "$1" != --outputs ]; do shift; done; head -c 1G /dev/zero >"$2"': "killed by signal|failed",
}


@pytest.mark.parametrize("script", ENDS)
def test_however_the_runner_ends_that_is_an_error_of_the_measurement(
    script: str, tmp_path: Path, method: Method
) -> None:
    with pytest.raises(MeasurementError, match=ENDS[script]):
        run(tmp_path, method, script)


def test_a_runner_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path, method: Method) -> None:
    began = time.monotonic()
    with pytest.raises(MeasurementError):
        run(tmp_path, method, "sleep 300 & sleep 300", timeout_s=1.0)
    assert time.monotonic() - began < 60


def test_a_runner_that_prints_without_end_is_ended(tmp_path: Path, method: Method) -> None:
    with pytest.raises(MeasurementError):
        run(tmp_path, method, "yes")


def test_the_runner_gets_no_more_memory_than_the_machine_has_use_for(tmp_path: Path, method: Method) -> None:
    """The limit is set, and the file of outputs is limited, too; no core is dumped."""
    with pytest.raises(MeasurementError, match=r"limits [0-9]+ [0-9]+ 0"):
        run(tmp_path, method, 'echo "limits $(ulimit -v) $(ulimit -f) $(ulimit -c)" >&2; exit 3')


def test_without_a_runner_nothing_is_run(tmp_path: Path, method: Method) -> None:
    with pytest.raises(MeasurementError, match="there is no runner for this machine"):
        run_here(None, tmp_path, tmp_path, method)


def test_a_runner_lists_its_kernels_and_backends(tmp_path: Path) -> None:
    listing = "echo operator aten::add.out; echo backend XnnpackBackend; echo something else"
    found = list_capabilities(bundle(tmp_path, listing))
    assert found.operators == {"aten::add.out"}
    assert found.backends == {"XnnpackBackend"}


def test_a_runner_that_cannot_be_started_is_an_error_of_the_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be started on this machine: broken"):
        list_capabilities(bundle(tmp_path, "echo broken >&2; exit 1"))
