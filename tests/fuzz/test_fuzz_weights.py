"""Damaged and hostile weights files end in a UsageError or in checked weights, soon and in little memory."""

import random
import resource
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from damaged_bytes import change_bytes
from safetensors.torch import save_file

from harness.accuracy.weights import load_weights
from harness.errors import UsageError
from tflite_files import tflite_model
from weight_files import frozen_graph, slim_constants, trained_network, write_keras

MAX_SECONDS = 10
MAX_GROWTH_KB = 1 << 20


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
    """Mostly at its ends, where the formats have their tables."""

    def place(left: bytearray) -> int:
        at = chance.randrange(min(len(left), chance.choice((300, 6000, len(left)))))
        return at if chance.random() < 0.5 else len(left) - 1 - at

    return change_bytes(content, chance, place)


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
