"""Accuracy of each evaluated file, its drop against fp32, and the images that are not counted."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from harness.analysis.parity import PLACES, reference_name
from harness.analysis.precisions import is_quantized, is_quantized_apart
from harness.analysis.quantizers import describe_quantizers
from harness.records import Accuracy, Cell, Interval, PairedDrop, Weights
from harness.system.text import printable
from reports.figures import name_with_precision
from reports.numbers import MISSING, significant

# Above this drop another precision, or quantization-aware training, is worth trying.
LARGE_DROP_POINTS = 2.0

COLUMNS = (
    "top-1 %",
    "top-5 %",
    "images",
    "unreadable",
    "same top-1 as reference %",
    "drop from fp32 (pp)",
    "McNemar's p",
)


@dataclass(frozen=True)
class AccuracyRow:
    """One evaluated file; `texts` in the order of `COLUMNS`."""

    name: str
    texts: tuple[str, ...]


def describe_accuracy(cells: Sequence[Cell]) -> tuple[AccuracyRow, ...]:
    """One row per evaluated file: cells that differ only in threads share a row."""
    rows: dict[str, AccuracyRow] = {}
    for cell in cells:
        if cell.accuracy:
            name = name_with_precision(cell.variant)
            rows.setdefault(cell.artifact.sha256, AccuracyRow(name, _texts(cell.accuracy)))
    return tuple(rows.values())


def _texts(accuracy: Accuracy) -> tuple[str, ...]:
    agreement, drop = accuracy.agreement_with_eager, accuracy.drop_from_fp32
    return (
        _percent(accuracy.top1),
        _percent(accuracy.top5),
        f"{accuracy.images:,}",
        f"{accuracy.unreadable:,}",
        MISSING if agreement is None else f"{100 * agreement:.6g}",
        _points(drop) if drop else MISSING,
        significant(drop.p_value, 2) if drop else MISSING,
    )


def _percent(share: Interval) -> str:
    low, high = 100 * share.low, 100 * share.high
    return f"{100 * share.estimate:.1f} ({low:.1f} to {high:.1f})"


def _points(drop: PairedDrop) -> str:
    return f"{_signed(drop.drop_pp.estimate)} ({_signed(drop.drop_pp.low)} to {_signed(drop.drop_pp.high)})"


def _advise(weights: Weights) -> str:
    """The command that may recover int8 accuracy, with the file that these weights came from."""
    file = PurePath(printable(weights.source))
    command = ("harness", "train", "--from", file.name, "--quantization-aware", "--dataset", "DATASET")
    out = ("--out", f"{file.stem}-qat.safetensors")
    return f"Quantization-aware training may recover int8 accuracy: {shlex.join((*command, *out))}"


def _signed(points: float) -> str:
    """A drop has no sign, a gain a minus; never `-0.00`."""
    return f"{points:z.2f}"


def how_evaluated(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Data set, device and preprocessing of each evaluation, without repeats."""
    answer = (
        f"{printable(a.dataset)} {printable(a.split)}, run on {printable(a.measured_on)}: "
        f"{printable(a.preprocessing)}"
        for cell in cells
        if (a := cell.accuracy)
    )
    return tuple(dict.fromkeys(answer))


def left_out(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Images that could not be read, with the reason, without repeats; only the first of many."""
    answer: dict[str, None] = {}
    for cell in cells:
        if cell.accuracy and cell.accuracy.unreadable:
            answer |= dict.fromkeys(map(printable, cell.accuracy.unreadable_images))
            if more := cell.accuracy.unreadable - len(cell.accuracy.unreadable_images):
                answer[f"and {more:,} more, listed in the run folder's accuracy/*.json"] = None
    return tuple(answer)


def accuracy_notes(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Quantizers, drops from fp32, wrong outputs, remarks on labels and unreadable images, as sentences."""
    notes: dict[str, None] = {}
    if quantizers := describe_quantizers(cells):
        notes[
            f"{quantizers[0].upper()}{quantizers[1:]}. They are different networks: compare them at their"
            " measured accuracy."
        ] = None
    for cell in cells:
        accuracy = cell.accuracy
        if accuracy is None:
            continue
        name = name_with_precision(cell.variant)
        drop = accuracy.drop_from_fp32
        if drop and drop.drop_pp.estimate > LARGE_DROP_POINTS:
            notes[f"{name}: top-1 is {_points(drop)} pp below fp32."] = None
            if is_quantized(cell.variant.precision):
                notes[_advise(cell.variant.weights)] = None
        if is_quantized_apart(cell.variant):
            notes[f"{name}: the reference is {reference_name(cell.variant)}, by the same file."] = None
        if accuracy.first_mismatch_at:
            place = PLACES[accuracy.first_mismatch_at]
            apart = is_quantized_apart(cell.variant)
            source = f"from {reference_name(cell.variant)}" if apart else "from PyTorch's"
            notes[
                f"{name}: output differs {source}; first mismatch: {place}. The accuracy shown is"
                " that of the file as it runs on the device, not that of the"
                f" {'reference' if apart else 'PyTorch network'}."
            ] = None
        for remark in accuracy.remarks:
            notes[f"Labels of {printable(accuracy.dataset)}: {printable(remark)}."] = None
        if accuracy.unreadable:
            total = accuracy.images + accuracy.unreadable
            named = "".join(f", such as {printable(one)}" for one in accuracy.unreadable_images[:1])
            notes[
                f"{accuracy.unreadable:,} of {total:,} images of {printable(accuracy.dataset)} could not be"
                f" read and are not counted{named}."
            ] = None
    return tuple(notes)
