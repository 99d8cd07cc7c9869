"""Pictures become exactly the numbers that are recorded, or are refused with the reason."""

import contextlib
import os
import random
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from harness.accuracy.preprocessing import (
    Preprocessing,
    UnreadableImage,
    decode_image,
    normalize,
    resize_image,
    tensorflow_preprocessing,
    torchvision_preprocessing,
    uniform_scaling,
)


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P"])
def test_plain_pictures_become_rgb(mode: str) -> None:
    picture = Image.fromarray(_noise(20, 30, 3)).convert(mode)
    decoded = decode_image(_encoded(picture, "PNG"))
    assert decoded.mode == "RGB"
    assert np.array_equal(np.asarray(decoded), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (_encoded(Image.fromarray(_noise(64, 64, 3)), "JPEG")[:-900], "truncated"),
        (_encoded(Image.fromarray(_noise(64, 64, 4), "CMYK"), "JPEG"), "CMYK"),
        (_encoded(Image.fromarray(_noise(64, 64).astype(np.uint16) * 256), "PNG"), "16 bit"),
        (_encoded(Image.fromarray(_noise(64, 64, 4), "RGBA"), "PNG"), "transparent"),
        (b"<html>404</html>", "not a picture"),
        (b"", "not a picture"),
    ],
    ids=["truncated", "cmyk", "16-bit", "transparent", "html", "empty"],
)
def test_pictures_that_would_be_misread_are_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImage, match=reason):
        decode_image(content)


def test_an_opaque_alpha_channel_is_dropped() -> None:
    pixels = _noise(8, 8, 4)
    pixels[..., 3] = 255
    decoded = decode_image(_encoded(Image.fromarray(pixels, "RGBA"), "PNG"))
    assert np.array_equal(np.asarray(decoded), pixels[..., :3])


def test_a_missing_file_is_unreadable_not_a_crash(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="No such file"):
        decode_image(tmp_path / "gone.jpg")


def test_pictures_taken_sideways_are_turned_upright() -> None:
    pixels = np.zeros((4, 8, 3), dtype=np.uint8)
    pixels[:, :4] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned clockwise by a quarter.
    decoded = decode_image(_encoded(Image.fromarray(pixels), "PNG", exif=exif))
    assert decoded.size == (4, 8)
    assert np.asarray(decoded)[:4].min() == 200


# Pictures with the faults of Pillow's issues 7839 and 8965, and one whose EXIF has a number for a text.
BROKEN_EXIF = sorted((Path(__file__).parent.parent / "data" / "pictures").iterdir())


@pytest.mark.filterwarnings("ignore:Metadata Warning")
@pytest.mark.parametrize("file", BROKEN_EXIF, ids=lambda file: file.name)
def test_good_pixels_with_broken_exif_are_read_upright(file: Path) -> None:
    with Image.open(file) as stored:
        width, height = stored.size
        turned = np.rot90(np.asarray(stored.convert("RGB")), -1)
    decoded = decode_image(file)
    assert decoded.size == (height, width)
    assert np.array_equal(np.asarray(decoded), turned)


def test_every_orientation_is_turned_as_pillow_turns_it() -> None:
    picture = Image.fromarray(_noise(4, 6, 3))
    for orientation in range(1, 10):
        exif = Image.Exif()
        exif[0x0112] = orientation
        content = _encoded(picture, "PNG", exif=exif)
        expected = ImageOps.exif_transpose(Image.open(BytesIO(content)))
        assert np.array_equal(np.asarray(decode_image(content)), np.asarray(expected)), orientation


def test_exif_that_cannot_be_read_is_the_reason_why_one_picture_is_left_out() -> None:
    content = _encoded(Image.fromarray(_noise(4, 6, 3)), "PNG", exif=b"Exif\0\0XX\0\0\0\0")
    with pytest.raises(UnreadableImage, match="EXIF data is damaged"):
        decode_image(content)


def test_postscript_never_starts_ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = tmp_path / "started"
    for name in ("gs", "gswin64c"):
        (tmp_path / name).write_text(f"#!/bin/sh\ntouch {started}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n")
    with pytest.raises(UnreadableImage, match="not a picture in one of the formats JPEG, PNG"):
        decode_image(picture)
    assert not started.exists()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM"])
def test_the_meant_formats_are_read(kind: str) -> None:
    assert decode_image(_encoded(Image.new("RGB", (8, 6), (9, 9, 9)), kind)).size == (8, 6)


@pytest.mark.parametrize("kind", ["ICO", "TGA", "PCX", "SGI", "DDS", "EPS", "PDF"])
def test_any_other_format_is_refused(kind: str) -> None:
    with pytest.raises(UnreadableImage, match="not a picture in one of"):
        decode_image(_encoded(Image.new("RGB", (8, 6)), kind))


def test_a_colour_that_stands_for_transparency_is_refused_where_it_occurs() -> None:
    picture = Image.new("RGB", (8, 8), (1, 2, 3))
    with pytest.raises(UnreadableImage, match="transparent"):
        decode_image(_encoded(picture, "PNG", transparency=(1, 2, 3)))
    assert decode_image(_encoded(picture, "PNG", transparency=(9, 9, 9))).getpixel((0, 0)) == (1, 2, 3)


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    header = b"P6 20000 20000 255\n"
    with pytest.raises(UnreadableImage, match=r"pixels"):
        decode_image(header + b"\0" * 16)


def test_whatever_a_damaged_picture_raises_is_one_unreadable_picture() -> None:
    chance = random.Random(7)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x011A] = 6, "maker", 72.0
    picture = Image.fromarray(_noise(12, 16, 3))
    seeds = [
        _encoded(picture, kind, **({"exif": exif} if kind in ("JPEG", "PNG", "WEBP", "TIFF") else {}))
        for kind in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
    ]
    read = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2000):
            damaged = bytearray(chance.choice(seeds))
            for _ in range(chance.randrange(1, 12)):
                damaged[chance.randrange(min(len(damaged), 400))] = chance.randrange(256)
            with contextlib.suppress(UnreadableImage):
                read += decode_image(bytes(damaged)).mode == "RGB"
    assert 0 < read < 2000


def test_crop_takes_the_central_square_and_squash_the_whole_picture() -> None:
    pixels = np.zeros((10, 30, 3), dtype=np.uint8)
    pixels[:, 10:20] = 255
    picture = Image.fromarray(pixels)
    cropped = resize_image(picture, Preprocessing(resolution_px=10, fit="crop"))
    squashed = resize_image(picture, Preprocessing(resolution_px=30, fit="squash", interpolation="nearest"))
    assert cropped.min() == 255
    assert squashed[:, 10:20].min() == 255
    assert squashed[:, :10].max() == 0


def test_crop_fraction_equals_resizing_first_and_cropping_then() -> None:
    picture = Image.fromarray(_noise(256, 256, 3))
    ours = resize_image(picture, torchvision_preprocessing(224))
    assert np.array_equal(ours, np.asarray(picture)[16:240, 16:240])


def test_normalizing_matches_the_textbook_formula_for_every_byte() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 256, 1).repeat(3, axis=2)
    for preprocessing in (tensorflow_preprocessing(32), torchvision_preprocessing(32)):
        expected = (pixels / 255.0 - np.array(preprocessing.mean)) / np.array(preprocessing.std)
        assert np.abs(normalize(pixels, preprocessing) - expected).max() < 1e-6


def test_bgr_swaps_channels_after_mean_and_std_are_in_network_order() -> None:
    pixels = np.array([[[255, 0, 0]]], dtype=np.uint8)
    assert normalize(pixels, Preprocessing(resolution_px=1, colour="bgr")).tolist() == [[[-1.0, -1.0, 1.0]]]


def test_one_scaling_for_all_channels_can_be_left_to_the_device() -> None:
    scaling = uniform_scaling(tensorflow_preprocessing(32))
    assert scaling is not None
    scale, offset = scaling
    assert [0 * scale + offset, 255 * scale + offset] == pytest.approx([-1, 1], abs=1e-6)
    assert uniform_scaling(torchvision_preprocessing(32)) is None


def test_the_description_tells_everything_that_decides_the_numbers() -> None:
    description = torchvision_preprocessing(224).description
    assert description == (
        "centre square, central 0.875, resized to 224 px (bilinear, antialiased by Pillow), upright by EXIF, "
        "RGB, mean 0.485/0.456/0.406, std 0.229/0.224/0.225"
    )
