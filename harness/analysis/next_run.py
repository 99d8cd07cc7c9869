"""The `harness run` that measures what a prediction lacks, or the predicted variant itself."""

from collections.abc import Collection, Sequence
from itertools import product
from typing import TypeVar

from harness.analysis.commands import Words
from harness.analysis.placements import Placement, Shape
from harness.records import DEFAULT_CLASSES, DEFAULT_PADDING
from harness.records.requests import exact_rate, exact_width

Value = TypeVar("Value", float, int)


def run_command(
    device: str, placement: Placement, widths: Sequence[float], resolutions_px: Sequence[int]
) -> Words:
    """The words of the command line that measures these shapes in this placement."""
    words = ["harness", "run", "--device", device]
    words += ["--width", ",".join(map(exact_width, widths))]
    words += ["--resolution", ",".join(map(str, resolutions_px)), "--precision", placement.precision]
    if placement.threads != 1:
        words += ["--threads", str(placement.threads)]
    if placement.cpus is not None:
        words += ["--cores", placement.cpus]
    if placement.rate_hz is not None:
        words += ["--rate", exact_rate(placement.rate_hz)]
    if placement.backend_options is not None:
        words += ["--backend-options", placement.backend_options]
    if placement.tuned:
        words.append("--tune-device")
    if placement.task_profile is not None:
        words += ["--task-profile", placement.task_profile]
    if placement.padding != DEFAULT_PADDING:
        words += ["--padding", placement.padding]
    if placement.classes != DEFAULT_CLASSES:
        words += ["--classes", str(placement.classes)]
    return tuple(words)


def lists_to_add(
    measured: Collection[Shape], widths: Sequence[float], resolutions_px: Sequence[int], missing: int
) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """The lists of the smallest run that adds `missing` shapes or more; all of them where there are no more.

    Its shapes are spread over the whole grid, so that the others lie between them.
    """
    best: tuple[tuple[float, ...], tuple[int, ...]] = (tuple(widths), tuple(resolutions_px))
    for rows, columns in product(range(2, len(widths) + 1), range(2, len(resolutions_px) + 1)):
        lists = spread(widths, rows), spread(resolutions_px, columns)
        added = [shape for shape in product(*lists) if shape not in measured]
        if len(added) >= missing and rows * columns < len(best[0]) * len(best[1]):
            best = lists
    return best


def spread(values: Sequence[Value], count: int) -> tuple[Value, ...]:
    """The first, the last and as evenly as possible others between them, `count` (2 or more) in all."""
    return tuple(values[round(i * (len(values) - 1) / (count - 1))] for i in range(count))
