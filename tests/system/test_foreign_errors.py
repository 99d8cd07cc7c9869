"""Errors of any type become the harness's own, and only those of the device end the work on it."""

import errno

import pytest

from harness.errors import (
    ConnectionLost,
    Defect,
    DeviceUnfit,
    HarnessError,
    Interrupted,
    LoweringError,
    RunnerFailed,
    TimedOut,
    TransferFailed,
)
from harness.system.foreign_errors import as_harness_error, of_one_item, system_error


def test_an_error_of_the_harness_stays_as_it_is() -> None:
    error = RunnerFailed("it ended")
    assert as_harness_error(error) is error


def test_an_error_of_the_system_is_translated_and_kept_as_the_cause() -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "/r")
    known = as_harness_error(error)
    assert (known.what, known.__cause__) == ("No space left on device: /r", error)
    assert known.hint.startswith("make room")


def test_a_broken_pipe_is_that_of_the_reader() -> None:
    known = as_harness_error(BrokenPipeError(errno.EPIPE, "Broken pipe"))
    assert known.what == "the program that read the output has ended"


def test_a_defect_is_no_error_of_the_system_and_names_its_place() -> None:
    assert system_error(KeyError("cells")) is None
    assert system_error(OSError("a library's own message")) is None
    try:
        {"run": 1}["cells"]
    except KeyError as error:
        known = as_harness_error(error)
    assert isinstance(known, Defect)
    assert known.what.startswith("the harness has a defect: KeyError: 'cells' at test_foreign_errors.py:")


@pytest.mark.parametrize(
    "error", [Interrupted("stop"), ConnectionLost("gone"), DeviceUnfit("no")], ids=lambda e: type(e).__name__
)
def test_what_ends_the_work_on_a_device_is_raised(error: HarnessError) -> None:
    with pytest.raises(type(error)):
        of_one_item(error)


@pytest.mark.parametrize(
    "error",
    [
        LoweringError("l"),
        TimedOut("t"),
        TransferFailed("f"),
        ValueError("v"),
        MemoryError(),
        OSError(errno.EIO, "Input/output error"),
    ],
    ids=lambda e: type(e).__name__,
)
def test_any_other_error_is_that_of_one_cell_or_program(error: Exception) -> None:
    assert isinstance(of_one_item(error), HarnessError)
