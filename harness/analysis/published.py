"""The accuracies published for the 16 MobileNetV1 checkpoints, read from `models/published.csv`.

They belong to those checkpoints alone: a figure from here is always shown as published, never as measured.
"""

import csv
from dataclasses import dataclass
from functools import cache

from harness.analysis.precisions import is_quantized_apart
from harness.records import Variant
from harness.system.paths import PROJECT

PUBLISHED_CSV = PROJECT / "models" / "published.csv"
# TF-Slim's classifiers have a background class beside the 1000 of ImageNet.
PUBLISHED_CLASSES = (1000, 1001)


@dataclass(frozen=True)
class PublishedAccuracy:
    """ImageNet accuracy as fractions of one."""

    top1: float
    top5: float


def published_accuracy(variant: Variant) -> PublishedAccuracy | None:
    """What the published checkpoint of this width, resolution and precision reaches, if there is one.

    None for int8 of the runtimes beside ExecuTorch: one figure cannot stand for several quantizers.
    """
    if variant.is_own_program or is_quantized_apart(variant) or variant.classes not in PUBLISHED_CLASSES:
        return None
    return _read_table().get((*variant.shape, variant.precision))


def published_shapes() -> tuple[tuple[float, int], ...]:
    """Width and resolution of each published checkpoint."""
    return tuple(dict.fromkeys((width, resolution_px) for width, resolution_px, _ in _read_table()))


@cache
def _read_table() -> dict[tuple[float, int, str], PublishedAccuracy]:
    with PUBLISHED_CSV.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return {
        (float(row["width"]), int(row["resolution_px"]), precision): PublishedAccuracy(
            top1=float(row[f"top1_{precision}_percent"]) / 100,
            top5=float(row[f"top5_{precision}_percent"]) / 100,
        )
        for row in rows
        for precision in ("fp32", "int8")
    }
