"""Small pictures of the formats that are read, and damage to their bytes and their structure."""

import random
import struct
import warnings
import zlib
from collections.abc import Callable
from io import BytesIO

from damaged_bytes import INTERESTING, change_bytes
from PIL import Image, ImageCms, features

Chunk = tuple[bytes, bytes]

_PNG = b"\x89PNG\r\n\x1a\n"
_ORIENTATION, _EXIF_POINTER, _GPS_POINTER = 0x0112, 0x8769, 0x8825


def _plain(mode: str, size: tuple[int, int] = (24, 17)) -> Image.Image:
    chance = random.Random(mode)
    source = Image.frombytes("RGB", size, chance.randbytes(3 * size[0] * size[1]))
    if mode == "I;16":
        return Image.frombytes("I;16", size, chance.randbytes(2 * size[0] * size[1]))
    return source.convert(mode)


def _save(image: Image.Image, kind: str, **options: object) -> bytes:
    """The encoded picture; without the EXIF data where the writer itself fails on the damage."""
    stream = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image.save(stream, kind, **options)
        except (TypeError, ValueError, ArithmeticError, OSError, SyntaxError, struct.error):
            stream = BytesIO()
            image.save(stream, kind)
    return stream.getvalue()


def exif(chance: random.Random) -> bytes:
    """EXIF data whose directories may loop, lie outside the data or hold numbers of a wrong type."""
    order = chance.choice("<>")
    entries = [_entry(order, _ORIENTATION, chance)]
    tags = (_EXIF_POINTER, _GPS_POINTER, 0x011A, 0x9286, chance.randrange(65536))
    entries += [_entry(order, tag, chance) for tag in tags if chance.random() < 0.5]
    count = len(entries) if chance.random() < 0.9 else chance.choice(INTERESTING) & 0xFFFF
    following = chance.choice((0, 0, 8, 6, 0xFFFFFFFF))
    first = chance.choice((8, 8, 8, 0, 4, 0xFFFFFFF0))
    start = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, first)
    body = struct.pack(f"{order}H", count) + b"".join(entries) + struct.pack(f"{order}I", following)
    return b"Exif\0\0" + start + body + chance.randbytes(chance.randrange(40))


def _entry(order: str, tag: int, chance: random.Random) -> bytes:
    """A tag of mostly a short number; of any other type, count and place in one of three."""
    if chance.random() < 0.6:
        return struct.pack(f"{order}HHIHH", tag, 3, 1, chance.randrange(10), 0)
    kind, count = chance.randrange(14), chance.choice((0, 1, 2, 8, *INTERESTING))
    return struct.pack(f"{order}HHII", tag, kind, count, chance.choice((0, 8, 26, 4000, *INTERESTING)))


def writers() -> dict[str, Callable[[random.Random], bytes]]:
    """A writer of a good picture for each kind that is tried."""
    kinds = {f"jpeg {mode}": _jpeg(mode) for mode in ("RGB", "L", "CMYK", "YCbCr")}
    kinds |= {f"png {mode}": _png(mode) for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "I;16")}
    kinds |= {"png colour key": _png("RGB", transparency=(1, 2, 3)), "apng": _animated("PNG")}
    kinds |= {"png palette alpha": _png("P", transparency=bytes(range(0, 256, 4)))}
    kinds |= {
        "webp": _webp(lossless=False),
        "webp lossless": _webp(lossless=True),
        "webps": _animated("WEBP"),
    }
    kinds |= {"gif": _written("P", "GIF"), "gifs": _animated("GIF"), "tiffs": _animated("TIFF")}
    kinds |= {f"bmp {mode}": _written(mode, "BMP") for mode in ("RGB", "P", "1", "RGBA")}
    kinds |= {f"ppm {mode}": _written(mode, "PPM") for mode in ("RGB", "L", "1")}
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        kinds[f"tiff {compression}"] = _written("RGB", "TIFF", compression=compression)
    for compression in ("group3", "group4", "tiff_ccitt"):
        kinds[f"tiff {compression}"] = _written("1", "TIFF", compression=compression)
    kinds |= {"tiff CMYK": _written("CMYK", "TIFF"), "tiff 16 bit": _written("I;16", "TIFF")}
    kinds["tiff tiled"] = lambda chance: _tiled()
    if features.check("avif"):
        kinds["avif"] = lambda chance: _save(_plain("RGB"), "AVIF", exif=exif(chance), speed=10)
    return kinds


def _written(mode: str, kind: str, **options: object) -> Callable[[random.Random], bytes]:
    content = _save(_plain(mode), kind, **options)
    return lambda chance: content


def _jpeg(mode: str) -> Callable[[random.Random], bytes]:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    def write(chance: random.Random) -> bytes:
        icc = chance.choice((b"", profile, profile[: chance.randrange(200)], chance.randbytes(300)))
        progressive = chance.random() < 0.3
        return _save(_plain(mode), "JPEG", exif=exif(chance), icc_profile=icc, progressive=progressive)

    return write


def _png(mode: str, **options: object) -> Callable[[random.Random], bytes]:
    image = _plain(mode)
    return lambda chance: _save(image, "PNG", exif=exif(chance), icc_profile=chance.randbytes(40), **options)


def _webp(*, lossless: bool) -> Callable[[random.Random], bytes]:
    return lambda chance: _save(_plain("RGBA"), "WEBP", exif=exif(chance), lossless=lossless, method=0)


def _animated(kind: str) -> Callable[[random.Random], bytes]:
    frames = [_plain("RGB"), _plain("L").convert("RGB")]
    content = _save(frames[0], kind, save_all=True, append_images=frames[1:])
    return lambda chance: content


def _tiled() -> bytes:
    """A baseline TIFF of four tiles of 16 x 16 grey pixels, which Pillow reads but does not write."""
    tags = (
        (256, 3, 1, 32),
        (257, 3, 1, 32),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (277, 3, 1, 1),
        (322, 3, 1, 16),
        (323, 3, 1, 16),
        (324, 4, 4, 8 + 2 + 10 * 12 + 4),
        (325, 4, 4, 8 + 2 + 10 * 12 + 4 + 16),
    )
    data = 8 + 2 + len(tags) * 12 + 4
    content = b"II*\0" + struct.pack("<IH", 8, len(tags))
    content += b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    places = [data + 32 + 256 * tile for tile in range(4)]
    return content + struct.pack("<8I", *places, *[256] * 4) + bytes(range(256)) * 4


def damage(content: bytes, chance: random.Random) -> bytes:
    """The picture with its structure changed where it is a PNG or JPEG, or else its bytes."""
    if content.startswith(_PNG) and chance.random() < 0.6:
        return _damage_png(content, chance)
    if content.startswith(b"\xff\xd8") and chance.random() < 0.4:
        return _damage_jpeg(content, chance)
    return _damage_bytes(content, chance)


def _damage_bytes(content: bytes, chance: random.Random) -> bytes:
    """Mostly in the headers."""
    return change_bytes(
        content, chance, lambda left: chance.randrange(min(len(left), chance.choice((40, 300, len(left)))))
    )


def png_chunks(content: bytes) -> list[Chunk]:
    """The chunks of a PNG."""
    chunks, at = [], len(_PNG)
    while at < len(content):
        (size,) = struct.unpack_from(">I", content, at)
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += 12 + size
    return chunks


def join_png(chunks: list[Chunk]) -> bytes:
    """A PNG of these chunks, whose checksums are right."""
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    return _PNG + b"".join(parts)


def _damage_png(content: bytes, chance: random.Random) -> bytes:
    chunks = png_chunks(content)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(chunks))
        kind, data = chunks[at]
        match chance.randrange(6):
            case 0:
                chunks[at] = kind, _damage_bytes(data or b"\0", chance)
            case 1:
                chunks.insert(at, chunks[chance.randrange(len(chunks))])
            case 2 if len(chunks) > 1:
                del chunks[at]
            case 3:
                header = bytearray(chunks[0][1].ljust(13, b"\0"))
                header[chance.choice((8, 9, 10, 11, 12))] = chance.choice((0, 1, 2, 3, 4, 6, 8, 16))
                chunks[0] = chunks[0][0], bytes(header)
            case 4:
                sides = (chance.choice((0, 1, 24, 65535, *INTERESTING)), chance.choice((0, 1, 17, 65535)))
                chunks[0] = chunks[0][0], struct.pack(">II", *sides) + chunks[0][1][8:]
            case 5:
                name = chance.choice((b"tRNS", b"PLTE", b"iCCP", b"zTXt", b"iTXt", b"acTL", b"fcTL", b"eXIf"))
                chunks.insert(at, (name, chance.choice((b"", b"a\0\0", chance.randbytes(30), exif(chance)))))
    return join_png(chunks)


def _damage_jpeg(content: bytes, chance: random.Random) -> bytes:
    """A segment removed, repeated or of another size, or another height and width."""
    frame = max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2"))
    if frame > 0 and chance.random() < 0.5:
        sides = (chance.choice((0, 1, 65535)), chance.choice((0, 1, 65535)))
        return content[: frame + 5] + struct.pack(">HH", *sides) + content[frame + 9 :]
    starts = [at for at in range(2, len(content) - 4) if content[at] == 0xFF and content[at + 1] >= 0xC0]
    at = chance.choice(starts)
    size = 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    match chance.randrange(3):
        case 0:
            return content[:at] + content[at + size :]
        case 1:
            return content[: at + size] + content[at:]
    return content[: at + 2] + chance.choice(INTERESTING).to_bytes(4, "big")[2:] + content[at + 4 :]
