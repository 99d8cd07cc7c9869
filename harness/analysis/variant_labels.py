"""Short names of variants, and which cells differ only in what a name leaves out: classes and weights."""

from collections.abc import Sequence

import msgspec

from harness.analysis.runtimes import runtime_title
from harness.records import DEFAULT_METHOD, EXECUTORCH, Cell, Variant, Weights
from harness.records.requests import exact_width
from harness.system.text import printable


class LabelledVariant(Variant, frozen=True, kw_only=True):
    """A variant with a text that tells it from others of its name."""

    label: str


def label_of(variant: Variant) -> str:
    """`10 classes, trained.pt 1a2b3c4d`; empty where its name alone is enough."""
    return variant.label if isinstance(variant, LabelledVariant) else ""


def labelled_name(cell: Cell) -> str:
    """The cell's name, with the label of its variant in brackets."""
    label = label_of(cell.variant)
    return f"{cell.name} ({label})" if label else cell.name


def short_name(variant: Variant) -> str:
    """`0.5/160`: width and resolution, as in the MobileNet paper; with a label where others have the same.

    Of the user's own program its file, and its method where that is not `forward`: `net.pte encode`.
    """
    if variant.is_own_program:
        return _program_name(variant) + (f" ({label_of(variant)})" if label_of(variant) else "")
    padding = "" if variant.padding == "symmetric" else f" {variant.padding}"
    label = f" ({label_of(variant)})" if label_of(variant) else ""
    width, side_px = variant.shape
    return f"{width_text(width)}/{side_px}{padding}{label}"


def name_with_precision(variant: Variant) -> str:
    """`0.5/160 int8`, with a runtime beside ExecuTorch; the file alone of the user's own program."""
    if variant.is_own_program:
        return short_name(variant)
    runtime = "" if variant.runtime == EXECUTORCH else f" {runtime_title(variant.runtime)}"
    return f"{short_name(variant)} {variant.precision}{runtime}"


def full_name(variant: Variant) -> str:
    """`mobilenet_v1_0.5_160_int8`, labelled where others have the same; of the user's program its file."""
    label = "" if variant.is_own_program else label_of(variant)
    name = short_name(variant) if variant.is_own_program else printable(variant.name)
    return f"{name} ({label})" if label else name


def _program_name(variant: Variant) -> str:
    method = "" if variant.method == DEFAULT_METHOD else f" {variant.method}"
    return f"{printable(variant.weights.source)}{method}"


def width_text(width: float) -> str:
    """`1.0`, `0.75`: as in the MobileNet paper."""
    return f"{width:.1f}" if width == round(width, 1) else exact_width(width)


def label_variants(cells: Sequence[Cell], owners: Sequence[object] = ()) -> tuple[Cell, ...]:
    """The cells in their order; where some of a device share name and threads, all of them get a label.

    It has what differs between any two of these: the number of classes, the weights, or both. With `owners`,
    one for each cell, those of one owner are looked at together, as those of a device.
    """
    points: dict[tuple[object, ...], list[Variant]] = {}
    for cell, owner in zip(cells, owners or [cell.device.name for cell in cells], strict=True):
        points.setdefault((owner, cell.variant.name, cell.plan.threads), []).append(cell.variant)
    by_classes = any(len({one.classes for one in variants}) > 1 for variants in points.values())
    by_weights = any(len({one.identity[1:] for one in variants}) > 1 for variants in points.values())
    if not by_classes and not by_weights:
        return tuple(cells)
    return tuple(_labelled(cell, by_classes=by_classes, by_weights=by_weights) for cell in cells)


def _labelled(cell: Cell, *, by_classes: bool, by_weights: bool) -> Cell:
    variant = cell.variant
    parts = [f"{variant.classes} classes"] if by_classes else []
    parts += [_weights_label(variant.weights)] if by_weights else []
    facts = {name: getattr(variant, name) for name in Variant.__struct_fields__}
    return msgspec.structs.replace(cell, variant=LabelledVariant(**facts, label=", ".join(parts)))


def _weights_label(weights: Weights) -> str:
    if weights.source == "random":
        return f"random weights, seed {weights.seed}"
    digest = f" {weights.sha256[:8]}" if weights.sha256 else ""
    entry = f" {printable(weights.entry)[:20]}" if weights.entry else ""
    return f"{printable(weights.source)[:30]}{digest}{entry}"
