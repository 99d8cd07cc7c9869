"""Commands that go on from a result, as the words of a command line: each works when it is copied."""

from pathlib import Path

from harness.analysis.precisions import PRECISIONS
from harness.records import DEFAULT_CLASSES, DEFAULT_OBSERVER, DEFAULT_PADDING, RunRequest, Variant
from harness.records.requests import exact_width

Words = tuple[str, ...]


def lower_command(variant: Variant, request: RunRequest, out: Path) -> Words:
    """Lowers one variant of a request again, and writes its program into the folder `out`."""
    words = ["harness", "lower", "-w", exact_width(variant.width), "-r", str(variant.resolution_px)]
    words += ["-p", variant.precision]
    words += _weights(variant, request)
    recipe = PRECISIONS[variant.precision].recipe if variant.precision in PRECISIONS else None
    if recipe and recipe.calibrated and request.weights_files:
        words += ["--calibrate", request.calibration_dataset] if request.calibration_dataset else []
        words += ["--observer", request.observer] if request.observer != DEFAULT_OBSERVER else []
    words += ["--allow-undelegated"] if request.allow_undelegated else []
    return (*words, "--out", str(out))


def _weights(variant: Variant, request: RunRequest) -> Words:
    """The options that decide the parameters; a weights file also decides padding and classes."""
    files = [file for file in request.weights_files if Path(file).name == variant.weights.source]
    padding = () if variant.padding == DEFAULT_PADDING else ("--padding", variant.padding)
    if variant.weights.source != "random":
        return (*(word for file in files for word in ("--weights", file)), *padding)
    seed = ("--seed", str(variant.weights.seed)) if variant.weights.seed else ()
    classes = () if variant.classes == DEFAULT_CLASSES else ("--classes", str(variant.classes))
    return (*padding, *classes, *seed)
