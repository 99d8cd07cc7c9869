"""Every precision the harness can lower to and measure: to add one, add its entry to `PRECISIONS`.

Free of torch: `harness/lowering/recipes.py` turns an entry's recipe into a network.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import msgspec

from harness.errors import UsageError
from harness.records import AS_IS, EXECUTORCH, DeviceInfo, PrecisionName, Variant

Arithmetic = Literal["float32", "float16", "int8"]
Scales = Literal["per_channel", "per_tensor"]


class Recipe(msgspec.Struct, frozen=True):
    """How lowering builds a program: what it computes in and, for int8, what shares one scale of the weights.

    Activations of int8 have one scale per tensor. A program's key in the cache contains its recipe.
    """

    arithmetic: Arithmetic
    weight_scales: Scales = "per_channel"

    @property
    def calibrated(self) -> bool:
        """Whether the ranges of activations are taken from images before lowering."""
        return self.arithmetic == "int8"


@dataclass(frozen=True)
class CoreFeature:
    """An instruction set extension that a core may lack; `present` reads it from a device's facts."""

    name: str
    cores: str
    present: Callable[[DeviceInfo], bool | None]


FP16_ARITHMETIC = CoreFeature(
    "FP16 arithmetic (FEAT_FP16)",
    "Armv8.2 cores such as Cortex-A55 and Cortex-A76",
    lambda device: device.half_precision,
)


@dataclass(frozen=True)
class Style:
    """A precision's colour and marker (matplotlib's code) in every plot: colour is never the only cue.

    Colours are of `reports.style`'s palette.
    """

    colour: str
    marker: str


@dataclass(frozen=True)
class Precision:
    """`relative_tolerance` is the parity rule: the largest error allowed, as a share of the largest logit.

    `needs` is None if every core computes the precision.
    """

    recipe: Recipe
    relative_tolerance: float
    style: Style
    needs: CoreFeature | None = None


PRECISIONS: dict[PrecisionName, Precision] = {
    "fp32": Precision(
        Recipe("float32"),
        # The order of additions differs: a few 1e-6 are seen on x86-64 and ARM.
        relative_tolerance=1e-4,
        style=Style("#0072b2", "o"),
    ),
    "fp16": Precision(
        Recipe("float16"),
        # Against float32 arithmetic on the same rounded weights. XNNPACK's ARM kernels also add up in 16
        # bits, up to 1024 products a layer, whose unit roundoff is 2**-11. Eight seeded variants (0.25 to
        # 1.0, 32 to 224 px) were off by 0.1 % to 0.9 % on x86-64, which adds in 32 bits, and by 0.3 % to
        # 2.7 % on ARM.
        relative_tolerance=0.05,
        style=Style("#009e73", "^"),
        needs=FP16_ARITHMETIC,
    ),
    "int8": Precision(
        Recipe("int8"),
        # Logits lie on a grid of at most 255 steps. This is below 3 % of one step: every logit must equal
        # the integer reference's.
        relative_tolerance=1e-4,
        style=Style("#d55e00", "s"),
    ),
}
# Accuracy drops are counted from this one.
BASELINE: PrecisionName = "fp32"
# Of a precision that this version does not know, in a run folder of a newer one.
UNKNOWN_STYLE = Style("#cc79a7", "D")


def find_precision(name: PrecisionName) -> Precision:
    """The entry of a precision, for lowering and measuring.

    Raises:
        UsageError: there is no such precision.
    """
    if name not in PRECISIONS:
        raise UsageError(
            f"there is no precision {name!r}", hint=f"choose one or more of: {', '.join(PRECISIONS)}"
        )
    return PRECISIONS[name]


def style_of(name: PrecisionName) -> Style:
    """A precision's style in plots, also of one that this version does not know."""
    return PRECISIONS[name].style if name in PRECISIONS else UNKNOWN_STYLE


def in_order(names: Iterable[PrecisionName]) -> tuple[PrecisionName, ...]:
    """Each name once, in the order of the entries; names that this version does not know come last."""
    given = set(names)
    known = tuple(name for name in PRECISIONS if name in given)
    return (*known, *sorted(given - set(known)))


def is_quantized(name: PrecisionName) -> bool:
    """Whether the precision computes in integers, so that better calibration may help its accuracy."""
    return name in PRECISIONS and PRECISIONS[name].recipe.calibrated


def is_quantized_apart(variant: Variant) -> bool:
    """Whether a runtime beside ExecuTorch quantized it: another network than ExecuTorch's int8."""
    return variant.runtime != EXECUTORCH and is_quantized(variant.precision)


def find_missing_feature(name: PrecisionName, device: DeviceInfo) -> CoreFeature | None:
    """The feature that a precision needs and the device's cores are known to lack, if any.

    Raises:
        UsageError: there is no such precision.
    """
    needed = None if name == AS_IS else find_precision(name).needs
    return needed if needed and needed.present(device) is False else None
