"""The cost of TensorFlow's asymmetric padding: variants that differ only in padding, compared."""

from collections.abc import Sequence

from harness.records import Cell
from reports.figures import Estimate, cost_of, full_name, scale_of


def padding_costs(cells: Sequence[Cell]) -> tuple[str, ...]:
    """A sentence for each pair of cells of one device, one padded `tf_same` and the other `symmetric`."""
    symmetric = {_key(cell): cell for cell in cells if cell.variant.padding == "symmetric"}
    sentences = []
    for cell in cells:
        other = symmetric.get(_key(cell))
        if cell.variant.padding == "symmetric" or other is None:
            continue
        cost, base = cost_of(cell), cost_of(other)
        if cost and base:
            scale = scale_of(cell.device).name
            change = f"{_change(base, cost)} {scale}"
            sentences.append(f"{full_name(cell)} costs {change} compared with symmetric padding.")
    return tuple(sentences)


def _key(cell: Cell) -> tuple[object, ...]:
    """Weights are ignored: they have to differ between paddings, and do not change the cost."""
    variant = cell.variant
    shape = (variant.width, variant.resolution_px, variant.precision, variant.model, variant.classes)
    return cell.device.name, shape, variant.runtime, cell.plan


def _change(base: Estimate, cost: Estimate) -> str:
    """`+0.5 %`, with the range that both intervals allow."""
    estimate = _percent(cost.value / base.value)
    low, high = _percent(cost.low / base.high), _percent(cost.high / base.low)
    return estimate if low == high else f"{estimate} ({low} to {high})"


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+z.2f} %"
