"""Commands that go on from a result, as the words of a command line: each works when it is copied."""

from pathlib import Path

from harness.analysis.budget import PACED_P99, Budget, limited
from harness.analysis.precisions import PRECISIONS
from harness.analysis.quantities import plain
from harness.analysis.runtimes import program_file
from harness.records import (
    DEFAULT_CLASSES,
    DEFAULT_OBSERVER,
    DEFAULT_PADDING,
    EXECUTORCH,
    RunRequest,
    Variant,
)
from harness.records.requests import exact_rate, exact_width

Words = tuple[str, ...]


def lower_command(variant: Variant, request: RunRequest, out: Path) -> Words:
    """Lowers one variant of a request again, and writes its program into the folder `out`.

    The user's own program is copied from where the request had it.
    """
    if variant.is_own_program:
        # Nothing makes the same bytes again: the user's file is copied.
        given = next((file for file in request.programs if Path(file).name == variant.weights.source), "")
        return "cp", given or variant.weights.source, _named(out / program_file(variant))
    width, side_px = variant.shape
    words = ["harness", "lower", "-w", exact_width(width), "-r", str(side_px)]
    words += ["-p", variant.precision]
    words += [] if variant.runtime == EXECUTORCH else ["--runtime", variant.runtime]
    words += _weights(variant, request)
    recipe = PRECISIONS[variant.precision].recipe if variant.precision in PRECISIONS else None
    if recipe and recipe.calibrated and request.weights_files:
        words += ["--calibrate", request.calibration_dataset] if request.calibration_dataset else []
        words += ["--observer", request.observer] if request.observer != DEFAULT_OBSERVER else []
    words += ["--allow-undelegated"] if request.allow_undelegated else []
    return (*words, "--out", _named(out))


def _weights(variant: Variant, request: RunRequest) -> Words:
    """The options that decide the parameters; a weights file also decides padding and classes."""
    files = [file for file in request.weights_files if Path(file).name == variant.weights.source]
    padding = () if variant.padding == DEFAULT_PADDING else ("--padding", variant.padding)
    if variant.weights.source != "random":
        return (*(word for file in files for word in ("--weights", file)), *padding)
    seed = ("--seed", str(variant.weights.seed)) if variant.weights.seed else ()
    classes = () if variant.classes == DEFAULT_CLASSES else ("--classes", str(variant.classes))
    return (*padding, *classes, *seed)


def budget_options(budget: Budget) -> Words:
    """The limits of a budget, as `pick` and `run` take them."""
    words: list[str] = []
    if budget.rate_hz is not None:
        words += ["--rate", exact_rate(budget.rate_hz)]
    if budget.sustained:
        words.append("--sustained")
    for quantity in limited(budget):
        if quantity is PACED_P99:
            continue
        value = (quantity.limit(budget) or 0.0) / quantity.unit_size
        words += [quantity.option, f"{_exact(value)}{quantity.unit}"]
    if budget.min_accuracy is not None:
        words += ["--min-accuracy", f"{_exact(100 * budget.min_accuracy)}%"]
    return tuple(words)


def _exact(value: float) -> str:
    return plain(float(f"{value:.15g}"))


def pick_command(folder: Path, options: Words = ()) -> Words:
    """Picks from a run folder within a budget."""
    return ("harness", "pick", _named(folder), *options)


def report_command(folder: Path, options: Words = ()) -> Words:
    """Writes the report of a run folder again, with the answer within a budget."""
    return ("harness", "report", _named(folder), *options)


def compare_command(base: Path, new: Path) -> Words:
    """Compares two runs."""
    return ("harness", "compare", _named(base), _named(new))


def compare_with_base_command(folder: Path) -> Words:
    """Compares a run with the base that it was measured against."""
    return ("harness", "compare", _named(folder))


def resume_command(folder: Path) -> Words:
    """Measures what is missing in a run folder."""
    return ("harness", "run", "--resume", _named(folder))


def _named(folder: Path) -> str:
    """A folder whose name begins with a dash is not an option."""
    return f"./{folder}" if str(folder).startswith("-") else str(folder)
