"""Hostile weights files: refused at once, with little memory, whatever they ask for."""

import os
import pickle
import resource
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.accuracy.weights import load_weights
from harness.errors import UsageError
from tflite_files import tflite_model
from weight_files import frozen_graph, slim_constants, trained_network, write_keras


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """The process's peak must not grow by half a gigabyte."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512 << 10


def _refused(file: Path, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_weights(file)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".pb", ".tflite", ".h5", ".keras"])
def test_a_fifo_a_device_and_a_folder_are_not_opened(suffix: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / f"fifo{suffix}")
    (tmp_path / f"endless{suffix}").symlink_to("/dev/zero")
    (tmp_path / f"folder{suffix}").mkdir()
    for name in ("fifo", "endless", "folder"):
        _refused(tmp_path / f"{name}{suffix}", "only a regular file is read")


def test_a_file_larger_than_any_checkpoint_is_not_read(tmp_path: Path) -> None:
    for suffix in (".pt", ".safetensors", ".pb", ".tflite", ".h5", ".keras"):
        file = tmp_path / f"huge{suffix}"
        with file.open("wb") as stream:
            stream.truncate(10 << 30)
        _refused(file, "has 10240 MiB; weights files have at most 512 MiB")


def _huge_stride_zero() -> dict[str, torch.Tensor]:
    return {"stem.conv.weight": torch.zeros(1).as_strided((1 << 16, 1 << 16, 1, 1), (0, 0, 0, 0))}


@pytest.mark.parametrize("legacy", [False, True])
def test_a_torch_tensor_without_strides_allocates_nothing(legacy: bool, tmp_path: Path) -> None:
    torch.save(_huge_stride_zero(), tmp_path / "a.pt", _use_new_zipfile_serialization=not legacy)
    _refused(tmp_path / "a.pt", "asks for more than 512 MiB")


class _Call:
    """Pickles as a call of a function that torch's restricted unpickler allows."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._call = function, arguments

    def __reduce__(self) -> tuple[object, ...]:
        return self._call


@pytest.mark.parametrize("call", [_Call(bytearray, 1 << 40), _Call(torch.UntypedStorage, 1 << 40)])
def test_a_call_in_a_pickle_is_not_made(call: _Call, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(pickle.dumps(OrderedDict(a=call), protocol=2))
    _refused(tmp_path / "a.pt", "loading it could run code")


def test_a_tar_header_of_ten_gigabytes_is_not_read(tmp_path: Path) -> None:
    header = bytearray(512)
    header[:1], header[124:136], header[156:157], header[257:263] = (
        b"a",
        b"%011o\0" % (8 << 30),
        b"L",
        b"ustar\0",
    )
    (tmp_path / "a.tar").write_bytes(header * 2)
    _refused(tmp_path / "a.tar", "is a tar archive, which is not read")


def test_a_pickle_with_an_endless_tuple_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"\x80\x02}" + b")" + b"\x85" * 300_000 + b"K\x01s.")
    _refused(tmp_path / "a.pt", "holds no state dict")


def test_a_frozen_graph_of_huge_constants_allocates_nothing(tmp_path: Path) -> None:
    one = np.ones(1, dtype="<f4")
    constants = {name: one.reshape(1, 1, 1, 1) for name in slim_constants(trained_network())}
    graph = frozen_graph(constants).replace(b"\x12\x02\x08\x01" * 4, b"\x12\x02\x08\x60" * 4)
    (tmp_path / "a.pb").write_bytes(graph)
    _refused(tmp_path / "a.pb", "asks for more than 512 MiB")


def test_tflite_vectors_that_claim_a_huge_length_are_refused(tmp_path: Path) -> None:
    model = bytearray(tflite_model(trained_network()))
    place = model.rindex(struct.pack("<I", 8))
    model[place : place + 4] = struct.pack("<I", 0x0FFFFFFF)
    (tmp_path / "a.tflite").write_bytes(model)
    _refused(tmp_path / "a.tflite", "cannot read a.tflite")


def test_a_zip_bomb_in_a_keras_archive_is_not_unpacked(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "a.keras", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("model.weights.h5", "w", force_zip64=True) as entry,
    ):
        for _ in range(600):
            entry.write(bytes(1 << 20))
    _refused(tmp_path / "a.keras", "asks for more than 512 MiB")


def test_a_zip_directory_of_many_entries_is_not_read(tmp_path: Path) -> None:
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for number in range(60_000):
            archive.writestr(f"{number:040}", b"")
    (tmp_path / "a.pt").write_bytes(content.getvalue())
    _refused(tmp_path / "a.pt", "the archive's directory has")


def test_hdf5_data_outside_the_file_are_refused(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    for name, link in (("soft", h5py.SoftLink("/x")), ("external", h5py.ExternalLink("/etc/passwd", "/x"))):
        with h5py.File(tmp_path / f"{name}.h5", "w") as content:
            content["conv1"] = link
        _refused(tmp_path / f"{name}.h5", "conv1 is a link, which is not followed")
    with h5py.File(tmp_path / "storage.h5", "w") as content:
        content.create_dataset("kernel", (16,), "f4", external=[("/dev/zero", 0, 64)])
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    with h5py.File(tmp_path / "virtual.h5", "w") as content:
        content.create_virtual_dataset("kernel", layout)
    for name in ("storage", "virtual"):
        _refused(tmp_path / f"{name}.h5", "kernel lies in another file, which is not read")


def test_an_hdf5_fill_value_is_not_spread(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as content:
        content.create_dataset("kernel", (1 << 31,), "f4", chunks=(1 << 20,), fillvalue=1)
    _refused(tmp_path / "a.h5", "asks for more than 512 MiB")


def test_escape_sequences_of_names_never_reach_the_message(tmp_path: Path) -> None:
    torch.save({"state_dict": {"\x1b]0;x\x07\u202eevil\n": torch.ones(1, 1, 1, 1)}}, tmp_path / "\x1b[2Ja.pt")
    with pytest.raises(UsageError) as caught:
        load_weights(tmp_path / "\x1b[2Ja.pt")
    assert caught.value.what.isprintable()
    assert "evil" in caught.value.what


def test_a_deeply_nested_configuration_is_refused(tmp_path: Path) -> None:
    write_keras(tmp_path / "a.keras", trained_network(), config='{"a":' * 100_000)
    _refused(tmp_path / "a.keras", "cannot read a.keras as a Keras archive")


def test_a_frozen_graph_of_countless_empty_fields_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "nodes.pb").write_bytes(b"\x0a\x00" * 5_000_000)
    _refused(tmp_path / "nodes.pb", "a message has more than 20000 fields")
    (tmp_path / "fields.pb").write_bytes(b"\x0a\xc8\x02" + b"\x08\x00" * 164)
    _refused(tmp_path / "fields.pb", "a message has more than 100 fields")
