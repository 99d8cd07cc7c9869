"""What own programs are fed: arrays of files, which must fit, or seeded ones."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UsageError
from harness.lowering.program_inputs import encode_inputs, read_arrays
from harness.records import Dtype, TensorSpec

IMAGE = TensorSpec(dtype="float32", sizes=(1, 3, 2, 4), dim_order=(0, 2, 3, 1))
TOKENS = TensorSpec(dtype="int64", sizes=(1, 6), dim_order=(0, 1))
BATCH = TensorSpec(dtype="float32", sizes=(8, 16), dim_order=(0, 1), dynamic=True)


def encode(specs: Sequence[TensorSpec], *files: Path) -> bytes:
    return encode_inputs("net.pte", specs, read_arrays(files), 0)


def test_arrays_lie_in_the_programs_memory_order_one_after_the_other(tmp_path: Path) -> None:
    image = np.arange(24, dtype=np.float32).reshape(IMAGE.sizes)
    tokens = np.arange(6).reshape(TOKENS.sizes)
    np.save(tmp_path / "image.npy", image)
    np.save(tmp_path / "tokens.npy", tokens)
    encoded = encode((IMAGE, TOKENS), tmp_path / "image.npy", tmp_path / "tokens.npy")
    assert encoded == image.transpose(0, 2, 3, 1).tobytes() + tokens.tobytes()


def test_an_archive_gives_inputs_by_order_or_by_name(tmp_path: Path) -> None:
    tokens, batch = np.zeros(TOKENS.sizes, np.int64), np.ones(BATCH.sizes, np.float32)
    np.savez(tmp_path / "ordered.npz", tokens, batch)
    np.savez(tmp_path / "named.npz", input_1=batch, input_0=tokens)
    expected = tokens.tobytes() + batch.tobytes()
    assert encode((TOKENS, BATCH), tmp_path / "ordered.npz") == expected
    assert encode((TOKENS, BATCH), tmp_path / "named.npz") == expected


def test_big_endian_and_fortran_arrays_mean_the_same(tmp_path: Path) -> None:
    batch = np.arange(128, dtype=np.float32).reshape(BATCH.sizes)
    np.save(tmp_path / "big.npy", np.asfortranarray(batch).astype(">f4"))
    assert encode((BATCH,), tmp_path / "big.npy") == batch.tobytes()


def test_seeded_inputs_repeat_and_differ_by_seed_and_place() -> None:
    specs = (BATCH, BATCH)
    first, again, other = (encode_inputs("net.pte", specs, (), seed) for seed in (0, 0, 1))
    half = len(first) // 2
    assert first == again != other
    assert first[:half] != first[half:]


@pytest.mark.parametrize("dtype", ["int16", "int32", "int64"])
def test_seeded_integers_are_0_and_1_so_that_every_vocabulary_has_them(dtype: Dtype) -> None:
    spec = TensorSpec(dtype=dtype, sizes=(100,), dim_order=(0,))
    values = np.frombuffer(encode_inputs("net.pte", (spec,), (), 0), dtype)
    assert set(values.tolist()) == {0, 1}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bool", "uint8", "int8"])
def test_every_type_can_be_seeded(dtype: Dtype) -> None:
    spec = TensorSpec(dtype=dtype, sizes=(5, 7), dim_order=(1, 0))
    assert len(encode_inputs("net.pte", (spec,), (), 0)) == spec.size_bytes


def test_a_wrong_number_of_arrays_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "three.npz", *[np.zeros(TOKENS.sizes, np.int64)] * 3)
    with pytest.raises(UsageError, match=r"--input gives 3 arrays, and net.pte takes int64\[1,6\]"):
        encode((TOKENS,), tmp_path / "three.npz")


def test_one_file_feeds_two_equal_inputs_and_a_third_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", tokens := np.arange(6).reshape(TOKENS.sizes))
    np.save(tmp_path / "b.npy", tokens)
    a, b = tmp_path / "a.npy", tmp_path / "b.npy"
    assert encode((TOKENS, TOKENS), a, a) == 2 * tokens.tobytes()
    with pytest.raises(UsageError, match="--input gives 3 arrays"):
        encode((TOKENS, TOKENS), a, a, b)
    with pytest.raises(UsageError, match="--input gives 1 array, and"):
        encode((TOKENS, TOKENS), a)


def test_a_wrong_type_is_refused_with_what_converts_it(tmp_path: Path) -> None:
    np.save(tmp_path / "tokens.npy", np.zeros(TOKENS.sizes, np.int32))
    with pytest.raises(UsageError, match=r"tokens.npy is int32, and net.pte takes int64\[1,6\]") as refused:
        encode((TOKENS,), tmp_path / "tokens.npy")
    assert "astype('int64')" in refused.value.hint


def test_a_wrong_shape_is_refused_and_a_dynamic_one_takes_its_upper_bound(tmp_path: Path) -> None:
    np.save(tmp_path / "batch.npy", np.zeros((4, 16), np.float32))
    with pytest.raises(UsageError, match=r"has the shape \[4, 16\].*measured at its upper bound") as refused:
        encode((BATCH,), tmp_path / "batch.npy")
    assert refused.value.hint == f"give an array of the shape {list(BATCH.sizes)}"


def test_a_name_that_fits_no_input_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "named.npz", pixels=np.zeros(TOKENS.sizes, np.int64))
    with pytest.raises(UsageError, match="has an array 'pixels', and a program's inputs have no such name"):
        encode((TOKENS,), tmp_path / "named.npz")


def test_a_place_that_the_program_lacks_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "named.npz", input_3=np.zeros(TOKENS.sizes, np.int64))
    with pytest.raises(UsageError, match=r"--input gives input 3 alone, and net.pte takes"):
        encode((TOKENS,), tmp_path / "named.npz")


def test_an_input_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        np.savez(tmp_path / f"{name}.npz", input_0=np.zeros(TOKENS.sizes, np.int64))
    with pytest.raises(
        UsageError, match=r"--input gives input 0 twice: input_0 in one.npz, input_0 in two.npz"
    ):
        encode((TOKENS, TOKENS), tmp_path / "one.npz", tmp_path / "two.npz")


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UsageError, match=r"objects.npy is damaged, or holds objects"):
        read_arrays([tmp_path / "objects.npy"])


@pytest.mark.parametrize("name", ["cut.npy", "cut.npz", "empty.npy", "empty.npz"])
def test_a_damaged_file_is_refused(name: str, tmp_path: Path) -> None:
    whole = tmp_path / f"whole{Path(name).suffix}"
    save = np.save if whole.suffix == ".npy" else np.savez
    save(whole, np.zeros((64, 64), np.float32))
    content = whole.read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2] if name.startswith("cut") else b"")
    with pytest.raises(UsageError, match="is damaged"):
        read_arrays([tmp_path / name])


def test_an_archive_without_arrays_is_refused_and_not_taken_for_no_input(tmp_path: Path) -> None:
    np.savez(tmp_path / "nothing.npz")
    with pytest.raises(UsageError, match=r"nothing.npz holds no arrays"):
        encode((TOKENS,), tmp_path / "nothing.npz")


def test_a_type_of_many_fields_is_named_shortly(tmp_path: Path) -> None:
    np.save(tmp_path / "table.npy", np.zeros(6, [(f"column {number}", "<f4") for number in range(200)]))
    with pytest.raises(UsageError, match=r"table.npy is \[\('column 0', '<f4'\)") as refused:
        encode((TOKENS,), tmp_path / "table.npy")
    assert len(refused.value.what) < 700


def test_an_archive_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.lowering.program_inputs.LARGEST_FILE_BYTES", 100_000)
    np.savez_compressed(tmp_path / "bomb.npz", np.zeros(10**6, np.float32))
    with pytest.raises(UsageError, match="holds too much"):
        read_arrays([tmp_path / "bomb.npz"])
