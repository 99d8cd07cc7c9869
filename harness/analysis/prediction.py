"""What nobody measured: the rest of the grid of shapes, from the cells of the same device and placement.

Each figure of each precision is a sum over what the network computes and moves (`network_cost`), with
weights of at least 0 that are fitted to the measured cells. A prediction is never a measurement: it is not
saved, has no verdict, and its interval says where a measurement would probably lie.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from harness.analysis.conformal import Floats, Regression, cells_needed, fit_regression
from harness.analysis.machines import fitting_names, machine_key, names_apart
from harness.analysis.network_cost import macs_of
from harness.analysis.placements import Placement, Shape, placement_of, shape_of, variant_of
from harness.analysis.predicted_figures import FIGURES, Figure, FigureName
from harness.analysis.published import published_shapes
from harness.errors import UsageError
from harness.records import EXECUTORCH, Cell, DeviceInfo, Interval, Variant

CONFIDENCE = 0.9


@dataclass(frozen=True)
class Prediction:
    """Figures that a variant which nobody measured would probably have, each with its interval.

    `figures` lacks those that cannot be predicted: where too few cells have one, or the variant is smaller
    or larger than all of these (`outside_range`), so that nothing shows how far off a prediction would be.
    """

    variant: Variant
    device: DeviceInfo
    placement: Placement
    figures: Mapping[FigureName, Interval]
    outside_range: bool

    def interval_of(self, name: str) -> Interval | None:
        """The figure of this name, such as that of a budget's quantity; None where it is not predicted."""
        return next((interval for figure, interval in self.figures.items() if figure == name), None)


@dataclass(frozen=True)
class Fit:
    """How well one figure is predicted: errors are shares of the figure of cells that are left out in turn.

    They are None, and `unavailable` has the reason, where `cells` are too few.
    """

    figure: FigureName
    cells: int
    median_error: float | None
    largest_error: float | None
    unavailable: str | None


@dataclass(frozen=True)
class Grid:
    """The shapes of one device in one placement and precision: `cells` are measured, the others predicted.

    `machine` is the device's name, with more where others share it; `lists` are the grid's widths and
    resolutions.
    """

    machine: str
    device: DeviceInfo
    placement: Placement
    confidence: float
    lists: tuple[tuple[float, ...], tuple[int, ...]]
    cells: tuple[Cell, ...]
    predictions: tuple[Prediction, ...]
    fits: tuple[Fit, ...]


def predict_grids(
    cells: Sequence[Cell],
    *,
    device: str | None = None,
    widths: Sequence[float] = (),
    resolutions_px: Sequence[int] = (),
    confidence: float = CONFIDENCE,
) -> tuple[Grid, ...]:
    """Fill the grid of `widths` by `resolutions_px`; empty are those that were published or measured.

    Raises:
        UsageError: no cell is of the named device, or none has a figure.
    """
    names = names_apart(cells)
    wanted = fitting_names(tuple(dict.fromkeys(names.values())), device)
    grouped: dict[tuple[str, Placement], list[Cell]] = {}
    for cell in cells:
        name = names[machine_key(cell.device)]
        if name in wanted and cell.usable and _has_shape(cell.variant):
            grouped.setdefault((name, placement_of(cell)), []).append(cell)
    if not grouped:
        if cells and all(cell.variant.is_own_program for cell in cells):
            raise UsageError(
                "no cell can be used: own programs have no shape to predict others from",
                hint="name a run of the built-in network: harness run without --program",
            )
        if cells and not any(_has_shape(cell.variant) for cell in cells):
            raise UsageError(
                "no cell can be used: the cost of other runtimes than ExecuTorch is not predicted",
                hint="name a run with --runtime executorch",
            )
        raise UsageError(
            "no cell can be used: all of them failed or are invalid",
            hint="read the reasons in the report, then measure again: harness run --resume DIR",
        )
    return tuple(
        _fill(machine, placement, members, (widths, resolutions_px), confidence)
        for (machine, placement), members in grouped.items()
    )


def _has_shape(variant: Variant) -> bool:
    """Whether others are predicted from it: the cost that was fitted and checked is ExecuTorch's."""
    return not variant.is_own_program and variant.runtime == EXECUTORCH


def _fill(
    machine: str,
    placement: Placement,
    cells: Sequence[Cell],
    asked: tuple[Sequence[float], Sequence[int]],
    confidence: float,
) -> Grid:
    shapes = {shape_of(cell.variant) for cell in cells}
    lists = grid_lists(shapes, *asked)
    device = cells[0].device
    fitted = [_fit(figure, placement, cells, confidence) for figure in FIGURES]
    return Grid(
        machine=machine,
        device=device,
        placement=placement,
        confidence=confidence,
        lists=lists,
        cells=tuple(cells),
        predictions=tuple(
            _predict(variant_of(placement, shape), device, placement, fitted, confidence)
            for shape in product(*lists)
            if shape not in shapes
        ),
        fits=tuple(one.fit for one in fitted),
    )


def grid_lists(
    measured: Iterable[Shape], widths: Sequence[float] = (), resolutions_px: Sequence[int] = ()
) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """The widths and resolutions of a grid, in order."""
    known = {*published_shapes(), *measured}
    return (
        tuple(sorted(set(widths or (width for width, _ in known)))),
        tuple(sorted(set(resolutions_px or (side for _, side in known)))),
    )


@dataclass(frozen=True)
class _Fitted:
    """`features` (n x k) and `values` (n) are those of `variants`; `regression` leaves out one at a time."""

    figure: Figure
    fit: Fit
    variants: tuple[Variant, ...]
    features: Floats
    values: Floats
    regression: Regression | None

    def predict(self, variant: Variant, confidence: float) -> Interval | None:
        """The figure of a variant; None where nothing shows how far off it would be."""
        regression = self._regression_for(variant) if is_within_range(variant, self.variants) else None
        if regression is None:
            return None
        return regression.predict(np.array(self.figure.features(variant)), confidence)

    def _regression_for(self, variant: Variant) -> Regression | None:
        """A width that nobody measured is predicted as badly as the measured ones, each left out as a whole.

        So is a resolution. Cells of one width are so alike that leaving out one of them does not show it.
        """
        widths = np.array([one.width for one in self.variants])
        sides_px = np.array([one.resolution_px for one in self.variants])
        lists = ((widths, variant.width), (sides_px, variant.resolution_px))
        unknown = [measured for measured, asked in lists if asked not in measured]
        if not unknown:
            return self.regression
        kin = np.any([measured[:, None] == measured for measured in unknown], axis=0)
        return None if kin.all(axis=1).any() else fit_regression(self.features, self.values, kin)


def _fit(figure: Figure, placement: Placement, cells: Iterable[Cell], confidence: float) -> _Fitted:
    by_shape = figures_by_shape(figure, cells)
    variants = tuple(variant_of(placement, shape) for shape in by_shape)
    features, values = np.array([figure.features(one) for one in variants]), np.array([*by_shape.values()])
    needed = cells_needed(confidence)
    if len(variants) < needed:
        reason = f"{_counted(len(variants))}, and an interval of {confidence:.0%} needs {needed}"
        fit = Fit(figure.name, len(variants), None, None, reason)
        return _Fitted(figure, fit, variants, features, values, None)
    regression = fit_regression(features, values)
    errors = regression.relative_errors
    fit = Fit(figure.name, len(variants), float(np.median(errors)), float(np.max(errors)), None)
    return _Fitted(figure, fit, variants, features, values, regression)


def _counted(shapes: int) -> str:
    return "1 shape has a usable cell" if shapes == 1 else f"{shapes} shapes have a usable cell"


def figures_by_shape(figure: Figure, cells: Iterable[Cell]) -> dict[Shape, float]:
    """What the usable cells of one placement measured; cells of one shape, such as two checkpoints', are
    one."""
    found: dict[Shape, list[float]] = {}
    for cell in cells:
        if (value := figure.usable(cell)) is not None:
            found.setdefault(shape_of(cell.variant), []).append(value)
    return {shape: float(np.median(values)) for shape, values in found.items()}


def _predict(
    variant: Variant,
    device: DeviceInfo,
    placement: Placement,
    fitted: Iterable[_Fitted],
    confidence: float,
) -> Prediction:
    figures: dict[FigureName, Interval] = {}
    outside = False
    for one in fitted:
        if one.regression is None:
            continue
        if interval := one.predict(variant, confidence):
            figures[one.figure.name] = interval
        else:
            outside = True
    return Prediction(variant, device, placement, figures, outside)


def is_within_range(variant: Variant, measured: Sequence[Variant]) -> bool:
    """Whether width, resolution and multiply-accumulates lie between the smallest and largest measured
    ones."""
    return all(
        min(of(one) for one in measured) <= of(variant) <= max(of(one) for one in measured)
        for of in (lambda one: one.width, lambda one: one.resolution_px, macs_of)
    )
