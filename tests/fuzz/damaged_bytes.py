"""Content with a few bytes changed, numbers replaced, parts removed or repeated."""

import random
from collections.abc import Callable

# Numbers of 32 and of 64 bits at which sizes, counts and offsets go wrong.
INTERESTING = (0, 1, 2, 5, 9, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
LARGE = (1 << 40, (1 << 63) - 1, 1 << 63)


def change_bytes(content: bytes, chance: random.Random, place: Callable[[bytearray], int]) -> bytes:
    """Up to eight changes, each at the place that `place` draws in the content so far."""
    damaged = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        if not damaged:
            return b""
        _change(damaged, place(damaged), chance)
    return bytes(
        damaged[: chance.randint(1, len(damaged))] if damaged and chance.random() < 0.05 else damaged
    )


def anywhere(chance: random.Random) -> Callable[[bytearray], int]:
    """Draws a place in the content, each as likely."""
    return lambda content: chance.randrange(len(content))


def _change(damaged: bytearray, at: int, chance: random.Random) -> None:
    match chance.randrange(5):
        case 0:
            damaged[at] ^= 1 << chance.randrange(8)
        case 1:
            damaged[at] = chance.randrange(256)
        case 2:
            size = chance.choice((1, 2, 4, 8))
            number = chance.choice((*INTERESTING, *LARGE)) % (1 << 8 * size)
            order = chance.choice(("little", "big"))
            damaged[at : at + size] = number.to_bytes(size, "little" if order == "little" else "big")
        case 3:
            damaged[at : at + chance.randint(1, 64)] = b""
        case 4:
            damaged[at:at] = damaged[at : at + chance.randint(1, 64)]
