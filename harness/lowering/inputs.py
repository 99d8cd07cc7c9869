"""What a variant is lowered from, beside its own name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.records import DEFAULT_OBSERVER, Observer, Variant

if TYPE_CHECKING:
    from harness.lowering.own_programs import OwnProgram


@dataclass(frozen=True)
class LoweringInputs:
    """Files and options; without files the weights are seeded and the calibration images are synthetic.

    With an `own` program nothing is lowered: that is the variant.
    """

    weights_file: Path | None = None
    calibration_images: Path | None = None
    observer: Observer = DEFAULT_OBSERVER
    own: "OwnProgram | None" = None


Inputs = Mapping[Variant, LoweringInputs]
SEEDED = LoweringInputs()
