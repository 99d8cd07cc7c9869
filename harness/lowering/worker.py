"""A process that lowers what it is asked for: one JSON request a line in, one JSON reply a line out."""

import os
import sys
import traceback
from pathlib import Path
from typing import BinaryIO

import msgspec

from harness.errors import HarnessError
from harness.lowering.artifact import lower_cached
from harness.lowering.inputs import LoweringInputs
from harness.records import DEFAULT_OBSERVER, Observer, Variant


class LoweringRequest(msgspec.Struct, frozen=True):
    """What to lower, from which files; operators outside the delegate are judged by whoever asks."""

    variant: Variant
    weights_file: str | None = None
    calibration_images: str | None = None
    observer: Observer = DEFAULT_OBSERVER


class LoweringReply(msgspec.Struct, frozen=True):
    """`problem` is None when the artifact is in the cache now."""

    problem: str | None = None
    hint: str = ""


def answer(request: LoweringRequest) -> LoweringReply:
    """Lower into the cache; no failure of one variant ends the worker."""
    try:
        files = LoweringInputs(
            weights_file=Path(request.weights_file) if request.weights_file else None,
            calibration_images=Path(request.calibration_images) if request.calibration_images else None,
            observer=request.observer,
        )
        lower_cached(request.variant, files, allow_undelegated=True)
    except HarnessError as error:
        return LoweringReply(problem=error.what, hint=error.hint)
    except Exception as error:  # torch and ExecuTorch raise anything; told to whoever asked
        traceback.print_exc()
        return LoweringReply(problem=f"{type(error).__name__}: {error}")
    return LoweringReply()


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer until the requests end, which they also do when the asking process dies."""
    for line in requests:
        request = msgspec.json.decode(line, type=LoweringRequest)
        replies.write(msgspec.json.encode(answer(request)) + b"\n")
        replies.flush()


if __name__ == "__main__":
    # Replies keep the pipe to themselves: what a library prints goes to stderr.
    reply_pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, reply_pipe)
