"""Seeded synthetic pictures: what calibrates int8 when no real images are given, and the parity input."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

# (share of the side the structure spans, amplitude): most energy in large shapes, as in photographs,
# whose spectra fall with about 1/f (Field 1987, doi:10.1364/JOSAA.4.002379).
SCALES = ((1 / 2, 0.5), (1 / 5, 0.3), (1 / 16, 0.15), (1 / 64, 0.05))


def synthetic_images(count: int, resolution_px: int, seed: int) -> "Tensor":
    """Smooth random colour pictures in [-1, 1], NCHW float32.

    One seed and size give the same bytes on one machine if torch has as many threads: how it divides the
    interpolation among them changes last bits.
    """
    import torch
    from torch.nn import functional

    generator = torch.Generator().manual_seed(seed)
    images = torch.zeros(count, 3, resolution_px, resolution_px)
    for span, amplitude in SCALES:
        side = min(resolution_px, max(2, round(1 / span)))
        noise = torch.randn(count, 3, side, side, generator=generator)
        images += amplitude * functional.interpolate(noise, size=images.shape[-2:], mode="bilinear")
    return images.clamp(-1, 1)
