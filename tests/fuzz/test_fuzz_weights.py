"""Damaged and hostile weights files end in a UsageError or in checked weights, soon and in little memory."""

import random
import resource
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from harness.accuracy.weights import load_weights
from harness.errors import UsageError
from weight_files import frozen_graph, slim_constants, tflite_model, trained_network, write_keras

MAX_SECONDS = 10
MAX_GROWTH_KB = 1 << 20
# Values that sizes, counts and offsets of damaged files take.
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1)


def _write_torch(file: Path, *, legacy: bool) -> None:
    content = {"state_dict": trained_network(padding="symmetric").state_dict(), "epoch": 3}
    torch.save(content, file, _use_new_zipfile_serialization=not legacy)


def _write_keras(file: Path) -> None:
    pytest.importorskip("h5py")
    write_keras(file, trained_network(), optimizer=True)


WRITERS: dict[str, Callable[[Path], object]] = {
    "a.safetensors": lambda file: save_file(trained_network(padding="symmetric").state_dict(), file),
    "a.pt": lambda file: _write_torch(file, legacy=False),
    "a.pth.tar": lambda file: _write_torch(file, legacy=True),
    "a.h5": _write_keras,
    "a.keras": _write_keras,
    "a.tflite": lambda file: file.write_bytes(tflite_model(trained_network())),
    "a.pb": lambda file: file.write_bytes(frozen_graph(slim_constants(trained_network()))),
}


def _damage(content: bytes, chance: random.Random) -> bytes:
    """The content with bytes changed, numbers replaced, parts removed or repeated; mostly at its ends."""
    damaged = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        near = min(len(damaged), chance.choice((300, 6000, len(damaged))))
        at = chance.randrange(near) if chance.random() < 0.5 else len(damaged) - 1 - chance.randrange(near)
        match chance.randrange(5):
            case 0:
                damaged[at] ^= 1 << chance.randrange(8)
            case 1:
                damaged[at] = chance.randrange(256)
            case 2:
                size = chance.choice((1, 2, 4, 8))
                value = chance.choice(INTERESTING) % (1 << 8 * size)
                damaged[at : at + size] = value.to_bytes(size, "little")
            case 3:
                damaged[at : at + chance.randint(1, 64)] = b""
            case 4:
                damaged[at:at] = damaged[at : at + chance.randint(1, 64)]
        if not damaged:
            return b""
    return bytes(damaged[: chance.randint(1, len(damaged))] if chance.random() < 0.05 else damaged)


def _damage_inside(file: Path, content: bytes, chance: random.Random) -> None:
    """Damage an entry of an archive and keep its checksums right: else only the checksum would be tested."""
    file.write_bytes(content)
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    chosen = chance.choice([name for name in entries if name.endswith((".pkl", ".h5", "byteorder"))])
    entries[chosen] = _damage(entries[chosen], chance)
    with zipfile.ZipFile(file, "w") as archive:
        for name, value in entries.items():
            archive.writestr(name, value)


def _load(file: Path) -> str:
    """What the user reads of the error; empty when the weights are good."""
    try:
        loaded = load_weights(file)
    except UsageError as error:
        return error.what
    assert all(torch.isfinite(value).all() for value in loaded.state.values())
    return ""


@pytest.mark.parametrize("name", WRITERS)
def test_damaged_weights_end_in_an_error_or_in_checked_weights(
    name: str, tmp_path: Path, fuzz_runs: int
) -> None:
    file = tmp_path / name
    WRITERS[name](file)
    load_weights(file)
    content = file.read_bytes()
    is_archive = zipfile.is_zipfile(file)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in range(fuzz_runs):
        chance = random.Random(f"{name} {seed}")
        if is_archive and chance.random() < 0.7:
            _damage_inside(file, content, chance)
        else:
            file.write_bytes(_damage(content, chance))
        start = time.monotonic()
        message = _load(file)
        assert message.isprintable(), f"seed {seed}"
        assert time.monotonic() - start < MAX_SECONDS, f"seed {seed}"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MAX_GROWTH_KB, f"{grown} kB"
