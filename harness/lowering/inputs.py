"""What a variant is lowered from, beside its own name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.records import DEFAULT_OBSERVER, Observer, Variant


@dataclass(frozen=True)
class LoweringInputs:
    """Files and options; without files the weights are seeded and the calibration images are synthetic."""

    weights_file: Path | None = None
    calibration_images: Path | None = None
    observer: Observer = DEFAULT_OBSERVER


Inputs = Mapping[Variant, LoweringInputs]
SEEDED = LoweringInputs()
