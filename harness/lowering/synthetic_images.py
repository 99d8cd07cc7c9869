"""Seeded synthetic images: the input of the parity check, and int8's calibration without real images."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

# (size of a structure as a share of the side, amplitude): most energy is in large shapes, as in photographs,
# whose spectra fall with about 1/f (Field 1987, doi:10.1364/JOSAA.4.002379).
SCALES = ((1 / 2, 0.5), (1 / 5, 0.3), (1 / 16, 0.15), (1 / 64, 0.05))


def synthetic_images(count: int, resolution_px: int, seed: int) -> "Tensor":
    """Smooth random colour images in [-1, 1], NCHW float32.

    The same seed and size give the same bytes on one machine and the same number of torch threads: how
    torch divides the interpolation among threads changes the last bits.
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
