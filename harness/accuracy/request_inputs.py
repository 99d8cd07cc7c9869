"""What a request lowers from: its weights files, or nothing but a seed."""

from typing import TYPE_CHECKING

import msgspec

from harness.records import RunRequest
from harness.records.progress import Log

if TYPE_CHECKING:
    from harness.accuracy.preparation import Prepared


def prepare_inputs(
    request: RunRequest, log: Log, *, classes: int | None = None
) -> "tuple[RunRequest, Prepared | None]":
    """Load the weights that the request names, if any; the request then has int8's calibration data set.

    Raises:
        UsageError: weights or data sets that cannot be used.
    """
    if not request.weights_files:
        return request, None
    # Only with weights: it imports torch, which takes seconds.
    from harness.accuracy.preparation import find_training_split, prepare

    if request.accuracy_dataset and not request.calibration_dataset:
        training = find_training_split(request.accuracy_dataset)
        request = msgspec.structs.replace(request, calibration_dataset=training)
    return request, prepare(request, log, paddings=request.paddings, classes=classes)
