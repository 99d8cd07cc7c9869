"""Cost and accuracy of a cell as reports show them, with the source of the accuracy, and names of cells."""

from dataclasses import dataclass
from typing import Literal

from harness.analysis.cell_text import options_text
from harness.analysis.clusters import cores_name
from harness.analysis.flags import is_flagged
from harness.analysis.published import published_accuracy
from harness.analysis.variant_labels import name_with_precision as name_with_precision
from harness.analysis.variant_labels import short_name as short_name
from harness.analysis.variant_labels import width_text as width_text
from harness.records import Accuracy, Cell, DeviceInfo, Interval
from harness.records.requests import exact_rate
from harness.system.text import printable

_CLOCK_MARKS = {"real": "", "emulated": "(emulated)", "virtual": "(virtual)"}


@dataclass(frozen=True)
class Scale:
    """The unit and axis label of cost on a device."""

    name: str
    unit: str
    label: str


LATENCY = Scale("latency", "ms", "Latency, ms")
INSTRUCTIONS = Scale("instructions", "M", "Instructions per inference, millions")


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval, in the unit of its scale."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """The wider side of the interval."""
        return max(self.high - self.value, self.value - self.low)


@dataclass(frozen=True)
class Top1:
    """Top-1 accuracy in percent; `source` names the data and the device, or the publication."""

    percent: Estimate
    kind: Literal["measured", "published"]
    source: str


def clock_mark(device: DeviceInfo) -> str:
    """`(emulated)` or `(virtual)`, shown beside every time taken on such a device; empty on a real clock."""
    return _CLOCK_MARKS[device.clock]


def scale_of(device: DeviceInfo) -> Scale:
    """Milliseconds on a real clock, else instructions: emulated times do not predict phone latency."""
    return INSTRUCTIONS if device.emulated else LATENCY


def cost_of(cell: Cell) -> Estimate | None:
    """The cell's cost on its device's scale, or None if it was not measured."""
    return _instructions(cell) if cell.device.emulated else _latency(cell)


def _latency(cell: Cell) -> Estimate | None:
    return None if cell.latency is None else _scaled(cell.latency.median_ns, 1e-6)


def _instructions(cell: Cell) -> Estimate | None:
    if not cell.instructions_per_inference:
        return None
    counts = [
        p.instructions_per_inference for p in cell.processes if p.instructions_per_inference is not None
    ]
    counts.append(cell.instructions_per_inference)
    return Estimate(cell.instructions_per_inference / 1e6, min(counts) / 1e6, max(counts) / 1e6)


def top1_of(cell: Cell) -> Top1 | None:
    """Measured accuracy of the file that was timed, else the published one of its shape, else None.

    That of random weights is not the variant's.
    """
    if cell.accuracy is not None and cell.variant.weights.source != "random":
        return Top1(_scaled(cell.accuracy.top1, 100), "measured", _data(cell.accuracy))
    published = published_accuracy(cell.variant)
    if published is None:
        return None
    percent = Estimate(published.top1 * 100, published.top1 * 100, published.top1 * 100)
    return Top1(percent, "published", "ImageNet, published, not measured here")


def _scaled(interval: Interval, factor: float) -> Estimate:
    """The interval, widened to contain its estimate: a bootstrap or rounding may leave it just outside."""
    ends = (interval.low, interval.estimate, interval.high)
    return Estimate(interval.estimate * factor, min(ends) * factor, max(ends) * factor)


def _data(accuracy: Accuracy) -> str:
    where = f"{printable(accuracy.dataset)} {printable(accuracy.split)}"
    return f"{where}, {accuracy.images:,} images, on {printable(accuracy.measured_on)}"


def row_name(cell: Cell) -> str:
    """The cell's full name, with a cross if it is flagged, for plots that have a row per cell."""
    cross = "× " if is_flagged(cell) else ""  # noqa: RUF001
    return cross + full_name(cell)


def full_name(cell: Cell) -> str:
    """`0.5/160 int8`; with what differs: threads, cores, rate, XNNPACK's options."""
    threads = f" {cell.plan.threads}t" if cell.plan.threads != 1 else ""
    cores = f" on {name}" if (name := cores_name(cell)) else ""
    rate = "" if cell.plan.rate_hz is None else f" at {exact_rate(cell.plan.rate_hz)}/s"
    options = options_text(cell.plan.backend_options)
    return f"{name_with_precision(cell.variant)}{threads}{cores}{rate}{options}"
