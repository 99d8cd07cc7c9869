"""A process that lowers on request: one JSON request per line of stdin, one JSON reply per line of stdout."""

import gc
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import BinaryIO

import msgspec

from harness.errors import HarnessError
from harness.lowering.artifact import lower_cached
from harness.lowering.inputs import LoweringInputs
from harness.records import DEFAULT_OBSERVER, Observer, Variant
from harness.system.child_processes import failed_program
from harness.system.os_errors import describe, hint_for
from harness.system.plain_paths import plain_temporary_folder
from harness.system.text import printable


class LoweringRequest(msgspec.Struct, frozen=True):
    """What to lower, from which files; the requesting process checks for operators outside the delegate."""

    variant: Variant
    weights_file: str | None = None
    calibration_images: str | None = None
    observer: Observer = DEFAULT_OBSERVER


class LoweringReply(msgspec.Struct, frozen=True):
    """`problem` is None if the artifact is in the cache now."""

    problem: str | None = None
    hint: str = ""


def request_for(variant: Variant, files: LoweringInputs) -> LoweringRequest:
    """The request to lower a variant from these files."""
    return LoweringRequest(
        variant=variant,
        weights_file=str(files.weights_file) if files.weights_file else None,
        calibration_images=str(files.calibration_images) if files.calibration_images else None,
        observer=files.observer,
    )


def answer(request: LoweringRequest) -> LoweringReply:
    """Lower into the cache; a variant that fails does not end the worker."""
    try:
        files = LoweringInputs(
            weights_file=Path(request.weights_file) if request.weights_file else None,
            calibration_images=Path(request.calibration_images) if request.calibration_images else None,
            observer=request.observer,
        )
        lower_cached(request.variant, files, allow_undelegated=True)
    except HarnessError as error:
        return LoweringReply(problem=error.what, hint=error.hint)
    except OSError as error:
        return LoweringReply(problem=describe(error), hint=hint_for(error))
    except Exception as error:  # torch and ExecuTorch raise any type; the reply reports it
        if program := failed_program(error):
            # ExecuTorch starts flatc, which says nothing where the disk is full.
            return LoweringReply(
                problem=f"{program} failed, which ExecuTorch starts to write a program",
                hint=f"free space in {printable(tempfile.gettempdir())}, and lower again",
            )
        traceback.print_exc()
        return LoweringReply(problem=f"{type(error).__name__}: {error}")
    return LoweringReply()


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer until stdin ends, which it also does when the requesting process dies.

    Garbage is collected between variants only: while ExecuTorch transforms one graph a hundred times, looking
    through all objects again and again took an eighth of the time. What the first variant imported stays.
    """
    gc.disable()
    for number, line in enumerate(requests):
        request = msgspec.json.decode(line, type=LoweringRequest)
        replies.write(msgspec.json.encode(answer(request)) + b"\n")
        replies.flush()
        gc.collect()
        if number == 0:
            gc.freeze()


if __name__ == "__main__":
    # ExecuTorch starts flatc on temporary files, which takes a backslash in their paths for a slash.
    tempfile.tempdir = plain_temporary_folder()
    # The pipe is for replies alone: what a library prints goes to stderr.
    reply_pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, reply_pipe)
