"""From a picture file to the network's input: explicit, so that it can be recorded."""

import functools
import warnings
from io import BytesIO
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from harness.errors import UsageError
from harness.records import Record
from harness.system.files import open_regular

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
Channels = tuple[float, float, float]

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

# Pillow can read many more, some with risk: for PostScript it starts Ghostscript.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF")
MAX_PIXELS = 100_000_000
# The canvas of an animated WebP is of any declared size, and its decoder fills four buffers of it: of the
# largest picture they took 1.5 GB and up to 13.8 s, from a file of 210 bytes.
MAX_CANVAS_PIXELS = 16_777_216
_ORIENTATION = 0x0112
# EXIF's orientation 2 to 8: what turns the picture upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Pillow warns of odd metadata and of large pictures, from each thread; neither changes the pixels.
warnings.filterwarnings("ignore", module=r"PIL\.")


class UnreadableImage(UsageError):
    """One picture cannot be used; the caller counts and names it."""


class Preprocessing(Record, frozen=True, kw_only=True):
    """What happens to a picture between its file and the network.

    The central `crop_fraction` of the picture is resized to a square of `resolution_px`: of each side
    with `fit="squash"` (TF-Slim's evaluation), of the shorter side with `fit="crop"` (torchvision's
    Resize and CenterCrop, in one step). Then `(value / 255 - mean) / std` for each channel.
    """

    resolution_px: Annotated[int, Meta(ge=1, le=4096)]
    fit: Literal["squash", "crop"] = "crop"
    crop_fraction: Annotated[float, Meta(gt=0, le=1)] = 1.0
    interpolation: Interpolation = "bilinear"
    mean: Channels = (0.5, 0.5, 0.5)
    std: Channels = (0.5, 0.5, 0.5)
    colour: Literal["rgb", "bgr"] = "rgb"

    @property
    def description(self) -> str:
        """One line for reports: everything that determines the network's input."""
        shape = "centre square" if self.fit == "crop" else "picture squashed to a square"
        return (
            f"{shape}, central {self.crop_fraction:.4g}, resized to {self.resolution_px} px "
            f"({self.interpolation}, antialiased by Pillow), upright by EXIF, {self.colour.upper()}, "
            f"mean {_join(self.mean)}, std {_join(self.std)}"
        )


def _join(values: Channels) -> str:
    return "/".join(f"{value:.6g}" for value in values)


def tensorflow_preprocessing(resolution_px: int) -> Preprocessing:
    """TF-Slim's evaluation: central 87.5 %, bilinear, scaled to [-1, 1]."""
    return Preprocessing(resolution_px=resolution_px, fit="squash", crop_fraction=0.875)


def torchvision_preprocessing(resolution_px: int) -> Preprocessing:
    """torchvision's usual evaluation: shorter side to 256 for 224, centre crop, ImageNet statistics."""
    return Preprocessing(
        resolution_px=resolution_px,
        crop_fraction=0.875,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
    )


def decode_image(source: Path | bytes) -> Image.Image:
    """Read a picture file as 8-bit RGB, upright; the format is known by its content, not by its suffix.

    Raises:
        UnreadableImage: damaged, truncated, too large, or not expressible as 8-bit RGB.
    """
    try:
        with (
            BytesIO(source) if isinstance(source, bytes) else open_regular(source) as opened,
            Image.open(opened, formats=_known_formats()) as image,
        ):
            _check_size(image)
            image.load()
            return as_rgb(_upright(image))
    except UnreadableImage:
        raise
    except UnidentifiedImageError as error:
        raise UnreadableImage(f"not a picture in one of the formats {', '.join(_known_formats())}") from error
    except Exception as error:  # Damaged pictures make Pillow raise nearly every type there is.
        raise UnreadableImage(str(error) or type(error).__name__) from error


def _check_size(image: Image.Image) -> None:
    animated = image.format == "WEBP" and getattr(image, "n_frames", 1) > 1
    most = MAX_CANVAS_PIXELS if animated else MAX_PIXELS
    if image.width * image.height > most:
        kind = " of an animation" if animated else ""
        raise UnreadableImage(f"{image.width} x {image.height} pixels{kind}: more than {most}")


@functools.cache
def _known_formats() -> tuple[str, ...]:
    Image.init()
    return tuple(kind for kind in _FORMATS if kind in Image.OPEN)


def _upright(image: Image.Image) -> Image.Image:
    """The picture turned by its EXIF orientation; other metadata, however damaged, is not looked at."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception as error:
        raise UnreadableImage(f"its EXIF data is damaged: {error}") from error
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def as_rgb(image: Image.Image) -> Image.Image:
    """The picture as 8-bit RGB, if the conversion is lossless and unambiguous.

    Raises:
        UnreadableImage: the conversion is ambiguous: CMYK, 16 bit, transparency.
    """
    if image.mode not in ("RGB", "L", "1", "P", "RGBA", "LA", "PA"):
        raise UnreadableImage(
            f"the picture has mode {image.mode} (such as CMYK or 16 bit): convert it to 8-bit RGB first"
        )
    if image.mode in ("RGB", "L", "1", "P") and "transparency" not in image.info:
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    if rgba.getchannel("A").getextrema() != (255, 255):
        raise UnreadableImage("the picture is transparent in places: put it on a background first")
    return rgba.convert("RGB")


def resize_image(image: Image.Image, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Crop and resize an RGB picture: uint8, (height, width, 3)."""
    side = preprocessing.resolution_px
    shorter = min(image.size)
    whole = (shorter, shorter) if preprocessing.fit == "crop" else image.size
    width, height = (max(1.0, length * preprocessing.crop_fraction) for length in whole)
    left, top = (image.width - width) / 2, (image.height - height) / 2
    box = (left, top, left + width, top + height)
    resized = image.resize((side, side), _FILTERS[preprocessing.interpolation], box=box)
    return np.asarray(resized, dtype=np.uint8)


def uniform_scaling(preprocessing: Preprocessing) -> tuple[float, float] | None:
    """(scale, offset) with input = byte * scale + offset; None if they differ between channels."""
    scale, offset = _scaling(preprocessing)
    if preprocessing.colour != "rgb" or len(set(scale)) > 1 or len(set(offset)) > 1:
        return None
    return float(scale[0]), float(offset[0])


def normalize(pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Scale uint8 RGB pixels (..., 3) to the network's float32 input, in the same order of dimensions."""
    if preprocessing.colour == "bgr":
        pixels = pixels[..., ::-1]
    scale, offset = _scaling(preprocessing)
    scaled = np.multiply(pixels, scale, dtype=np.float32)
    scaled += offset
    return scaled


def _scaling(preprocessing: Preprocessing) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    mean, std = np.array(preprocessing.mean), np.array(preprocessing.std)
    return (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)
