"""What `run` and `lower` are asked for: the variants, and the options that stand on the command line."""

from typing import TYPE_CHECKING, TypedDict, TypeVar

import typer

from harness.records import DEFAULT_CLASSES, DEFAULT_PADDING, DEFAULT_RESOLUTION_PX, DEFAULT_WIDTH, EXECUTORCH

if TYPE_CHECKING:
    from harness.records import Observer, Padding, PrecisionName, RuntimeName, Weights

_T = TypeVar("_T")


class VariantFields(TypedDict):
    """The fields of a `RunRequest` that say which variants are lowered, and from what."""

    widths: tuple[float, ...]
    resolutions_px: tuple[int, ...]
    precisions: "tuple[PrecisionName, ...]"
    runtimes: "tuple[RuntimeName, ...]"
    paddings: "tuple[Padding, ...]"
    classes: int
    weights: "Weights"
    weights_files: tuple[str, ...]
    calibration_dataset: str | None
    observer: "Observer"
    allow_undelegated: bool


def parse_variants(
    *,
    width: str | None,
    resolution: str | None,
    precision: str,
    runtime: str = EXECUTORCH,
    padding: str | None,
    classes: int | None,
    seed: int,
    weights: list[str] | None,
    calibrate: str | None,
    observer: str,
    allow_undelegated: bool,
) -> VariantFields:
    """Read the options on variants; lists that are not given are empty where weights files decide."""
    from harness.cli import parsing

    sides = parsing.parse_resolutions(resolution) if resolution else _unless(weights, DEFAULT_RESOLUTION_PX)
    return VariantFields(
        widths=parsing.parse_widths(width) if width else _unless(weights, DEFAULT_WIDTH),
        resolutions_px=sides,
        precisions=parsing.parse_precisions(precision),
        runtimes=parsing.parse_runtimes(runtime),
        paddings=parsing.parse_paddings(padding) if padding else _unless(weights, DEFAULT_PADDING),
        classes=classes or DEFAULT_CLASSES,
        weights=parsing.random_weights(seed),
        weights_files=parsing.parse_weights(weights or []),
        calibration_dataset=calibrate,
        observer=parsing.parse_observer(observer),
        allow_undelegated=allow_undelegated,
    )


def _unless(weights: list[str] | None, default: _T) -> tuple[_T, ...]:
    """The default, or nothing where weights files decide."""
    return () if weights else (default,)


def given_options(context: typer.Context) -> tuple[str, ...]:
    """Options that stand on the command line, as `--name`."""
    return tuple(
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name
        and (source := context.get_parameter_source(parameter.name))
        and source.name == "COMMANDLINE"
    )
