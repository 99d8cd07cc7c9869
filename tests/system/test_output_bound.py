"""A program that prints without end is ended, with little memory and within its time."""

import resource
import time
from pathlib import Path

import pytest

from harness.errors import TooMuchOutput, TransportError
from harness.system.processes import GrowingFile, ProgramTimedOut, run_local


@pytest.mark.parametrize("where", ["", ">&2"])
def test_a_flood_of_output_ends_with_an_error(where: str) -> None:
    start = time.monotonic()
    with pytest.raises(TransportError, match="'sh' printed more than 64 MiB"):
        run_local(["sh", "-c", f"exec cat /dev/zero {where}"], timeout_s=60)
    assert time.monotonic() - start < 20


def test_a_bound_is_exact_however_fast_the_program_prints() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TooMuchOutput, match="'cat' printed more than 1,000 bytes"):
        run_local(["cat", "/dev/zero"], timeout_s=60, longest_output=1000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000  # KiB
    assert run_local(["printf", "%1000s", ""], timeout_s=10, longest_output=1000).stdout == b" " * 1000


def test_a_file_that_grows_without_end_ends_its_program(tmp_path: Path) -> None:
    start = time.monotonic()
    with pytest.raises(TransportError, match="'sh' wrote more than 1,000 bytes to a file"):
        run_local(
            ["sh", "-c", "while :; do echo flood; sleep 0.01; done"],
            timeout_s=60,
            stdout_to=tmp_path / "out",
            grows=GrowingFile(tmp_path / "out", 1000),
        )
    assert time.monotonic() - start < 20
    ended = run_local(["true"], timeout_s=10, grows=GrowingFile(tmp_path / "missing", 0))
    assert ended.exit_code == 0


def test_a_short_deadline_holds_during_a_flood() -> None:
    with pytest.raises(ProgramTimedOut):
        run_local(["cat", "/dev/zero"], timeout_s=0.05, longest_output=1 << 40)


def test_a_program_that_takes_seconds_loses_no_input_and_no_output() -> None:
    content = bytes(range(256)) * 4096
    ended = run_local(["sh", "-c", "sleep 1.1; cat; sleep 1.1; echo end"], timeout_s=30, stdin=content)
    assert (ended.exit_code, ended.stdout) == (0, content + b"end\n")
