"""A program that prints without end is ended, with little memory and within its time."""

import time

import pytest

from harness.errors import TransportError
from harness.system.processes import ProgramTimedOut, run_local


@pytest.mark.parametrize("where", ["", ">&2"])
def test_a_flood_of_output_ends_with_an_error(where: str) -> None:
    start = time.monotonic()
    with pytest.raises(TransportError, match="'sh' printed more than 64 MiB"):
        run_local(["sh", "-c", f"exec cat /dev/zero {where}"], timeout_s=60)
    assert time.monotonic() - start < 20


def test_a_short_deadline_holds_during_a_flood() -> None:
    with pytest.raises(ProgramTimedOut):
        run_local(["cat", "/dev/zero"], timeout_s=0.2)


def test_a_program_that_takes_seconds_loses_no_input_and_no_output() -> None:
    content = bytes(range(256)) * 4096
    ended = run_local(["sh", "-c", "sleep 1.1; cat; sleep 1.1; echo end"], timeout_s=30, stdin=content)
    assert (ended.exit_code, ended.stdout) == (0, content + b"end\n")
