"""Damaged and hostile pictures are counted and named, soon and in little memory; the good ones stand."""

import random
import resource
import struct
import time
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pictures import damage, join_png, png_chunks, writers
from PIL import Image

from harness.accuracy.datasets import open_dataset
from harness.accuracy.loading import load_pixels
from harness.accuracy.preprocessing import Preprocessing, UnreadableImage, decode_image, resize_image

MAX_SECONDS = 10
MAX_GROWTH_KB = 1 << 20
PREPROCESSING = Preprocessing(resolution_px=32)
WRITERS = writers()


def _reason(source: bytes | Path) -> str:
    """Why the picture is left out; empty when it was read."""
    try:
        image = decode_image(source)
        pixels = resize_image(image, PREPROCESSING)
    except UnreadableImage as error:
        return error.what or "(no reason)"
    assert image.mode == "RGB"
    assert pixels.shape == (32, 32, 3)
    return ""


def _memory_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("kind", WRITERS)
def test_damaged_pictures_are_read_or_left_out_with_a_reason(
    kind: str, fuzz_runs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr("subprocess.Popen.__init__", refuse)
    before, write = _memory_kb(), WRITERS[kind]
    for seed in range(-(-fuzz_runs // len(WRITERS))):
        chance = random.Random(f"{kind} {seed}")
        content = damage(write(chance), chance)
        start = time.monotonic()
        assert _reason(content) != "(no reason)"
        assert time.monotonic() - start < MAX_SECONDS, f"seed {seed}"
    grown = _memory_kb() - before
    assert grown < MAX_GROWTH_KB, f"{grown} kB"


def test_good_pictures_keep_their_values_among_damaged_ones(tmp_path: Path) -> None:
    names, good = sorted(WRITERS), {}
    for number, kind in enumerate(names):
        chance = random.Random(kind)
        content = WRITERS[kind](chance)
        for label, bytes_ in (("a", content), ("b", damage(content, chance))):
            (tmp_path / label).mkdir(exist_ok=True)
            file = tmp_path / label / f"{number:03d}.jpg"
            file.write_bytes(bytes_)
            if not _reason(bytes_):
                good[f"{label}/{file.name}"] = resize_image(decode_image(bytes_), PREPROCESSING)
    assert len(good) > len(names) // 2
    dataset = open_dataset(str(tmp_path))
    pixels = load_pixels(dataset, PREPROCESSING)
    found = [dataset.image_names[index] for index in pixels.indices]
    assert found == sorted(good)
    assert {entry.image for entry in pixels.unreadable} == set(dataset.image_names) - set(good)
    for name, values in zip(found, pixels.values, strict=True):
        assert np.array_equal(values, good[name])


def _png(width: int, height: int, depth: int, colour: int, *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG whose header is right and whose pixels are few."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = zlib.compress(bytes(1 << 16))
    return join_png([(b"IHDR", header), *extra, (b"IDAT", pixels), (b"IEND", b"")])


def _animation(width: int, height: int) -> bytes:
    """An animated WebP of two small frames on a canvas of this size."""
    content = bytearray(WRITERS["webps"](random.Random(0)))
    at = content.index(b"VP8X") + 12
    content[at : at + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(content)


def _of_size(kind: str, width: int, height: int) -> bytes:
    stream = BytesIO()
    Image.new("RGB", (width, height)).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a picture"),
        (_png(0, 8, 8, 2), "."),
        (_png(65535, 65535, 8, 2), "4294836225|65535 x 65535"),
        (_png(2**31 - 1, 2**31 - 1, 1, 0), "pixels"),
        (_png(8, 8, 8, 2, (b"zTXt", b"a\0\0" + zlib.compress(bytes(200 << 20)))), "."),
        (_animation(9_000, 9_000), "9000 x 9000 pixels of an animation: more than 16777216"),
        (_animation(1 << 24, 1 << 24), "pixels"),
        (b"P6\n100000 100000\n255\n", "10000000000 pixels"),
        (b"P6\n9999999999999999999 9\n255\n", "."),
        (b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 2**31 - 1, -(2**31), 1, 24, *[0] * 6), "."),
    ],
)
def test_sizes_are_checked_before_anything_is_allocated(content: bytes, reason: str) -> None:
    before, start = _memory_kb(), time.monotonic()
    found = _reason(content)
    assert found, "the picture was read"
    assert any(part in found for part in reason.split("|")) or reason == "."
    assert time.monotonic() - start < MAX_SECONDS
    assert _memory_kb() - before < MAX_GROWTH_KB


def test_an_animation_on_a_canvas_of_usual_size_is_read() -> None:
    assert decode_image(_animation(4096, 4096)).size == (4096, 4096)


@pytest.mark.parametrize(("width", "height"), [(65535, 1), (1, 65535), (1, 1)])
@pytest.mark.parametrize("kind", ["PNG", "BMP", "PPM", "TIFF", "GIF"])
def test_a_picture_of_one_line_is_read(kind: str, width: int, height: int) -> None:
    assert _reason(_of_size(kind, width, height)) == ""


def test_an_interlaced_png_is_read() -> None:
    # Pillow writes none: Adam7's first pass of a single pixel is the picture itself.
    plain = png_chunks(_of_size("PNG", 1, 1))
    header = plain[0][1][:12] + b"\1"
    assert _reason(join_png([(b"IHDR", header), *plain[1:]])) == ""
