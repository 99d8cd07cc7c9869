"""Reading own programs: what they say of themselves, and one clear error for each that is wrong."""

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.lowering import program_file
from harness.lowering.program_file import read_program
from program_files import MethodText, ProgramText, Tensor, value

INT64 = Tensor(scalar_type=4, sizes=(1, 6))
DYNAMIC = Tensor(sizes=(8, 16), dynamism=1)


def test_a_program_says_what_it_takes_and_gives(tmp_path: Path) -> None:
    text = MethodText(
        inputs=(INT64, DYNAMIC),
        outputs=(
            Tensor(sizes=(1, 4, 14, 14), dim_order=(0, 2, 3, 1)),
            Tensor(scalar_type=11, sizes=(), dim_order=()),
        ),
        delegates=("XnnpackBackend", "XnnpackBackend"),
        operators=(("aten::add", "out"), ("aten::mean", "")),
        calls=(0, 1, 0),
        buffers=(0, 256, 64),
    )
    method = read_program(ProgramText((text,)).write(tmp_path / "net.pte")).method("forward")
    assert [spec.text for spec in method.inputs] == ["int64[1,6]", "float32[<=8,16]"]
    assert [spec.text for spec in method.outputs] == ["float32[1,4,14,14]", "bool[]"]
    assert method.outputs[0].dim_order == (0, 2, 3, 1)
    assert method.delegate_ids == ("XnnpackBackend", "XnnpackBackend")
    assert method.operators == ("aten::add.out", "aten::mean", "aten::add.out")
    assert method.planned_arena_bytes == 320


def test_a_program_has_all_its_methods(tmp_path: Path) -> None:
    methods = (MethodText(), MethodText(name="encode", inputs=(INT64,)))
    program = read_program(ProgramText(methods).write(tmp_path / "net.pte"))
    assert set(program.plans) == {"forward", "encode"}
    assert program.method("encode").inputs[0].dtype == "int64"
    with pytest.raises(UsageError, match=r"net.pte has no method 'decode'") as refused:
        program.method("decode")
    assert "it has forward, encode" in refused.value.hint


WRONG_FILES = {
    "another file": (ProgramText(changes={4: b"PK\x03\x04"}), "is not an ExecuTorch program"),
    "another format": (
        ProgramText(identifier=b"ET13"),
        "is of the format ET13, and this ExecuTorch reads ET12",
    ),
    "another schema": (ProgramText(version=3), "is a program of schema version 3"),
    "truncated weights": (ProgramText(cut=10), "is damaged: it has .* bytes, its weights end at"),
    "truncated description": (ProgramText(cut=200), "is damaged: it has .* bytes, its header names"),
    "truncated header": (
        ProgramText(cut=len(ProgramText().encode()) - 20),
        "is damaged: it ends in its header",
    ),
    "description shorter than its header": (ProgramText(changes={16: bytes(8)}), "is damaged"),
    "nothing": (ProgramText(cut=len(ProgramText().encode())), "is not an ExecuTorch program"),
    "root outside": (ProgramText(changes={0: b"\xff\xff\xff\x7f"}), "is damaged"),
    "no method": (ProgramText(methods=()), "it has no method"),
    "many methods": (ProgramText(methods=(MethodText(),) * 101), "it has 101 methods, more than 100"),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_file_that_is_no_program_of_this_version_is_refused(name: str, tmp_path: Path) -> None:
    text, message = WRONG_FILES[name]
    with pytest.raises(UsageError, match=message):
        read_program(text.write(tmp_path / "net.pte"))


WRONG_METHODS = {
    "bfloat16": (MethodText(inputs=(Tensor(scalar_type=15),)), "its input 0 is bfloat16; it can be uint8"),
    "unknown type": (MethodText(outputs=(Tensor(scalar_type=99),)), "its output 0 is scalar type 99"),
    "unbounded": (MethodText(inputs=(Tensor(dynamism=2),)), "the shape of its input 0 has no upper bound"),
    "no elements": (MethodText(inputs=(Tensor(sizes=(0, 8)),)), "its input 0 has no elements"),
    "negative size": (MethodText(inputs=(Tensor(sizes=(-1, 8)),)), "is damaged: input 0 has the sizes"),
    "broken order": (
        MethodText(inputs=(Tensor(dim_order=(0, 0)),)),
        "is damaged: input 0 has 2 dimensions in",
    ),
    "a number": (
        MethodText(inputs=(), other_values=(value(2, {}),), input_places=(1,)),
        "its input 0 is an integer; only tensors can be fed",
    ),
    "outside the values": (MethodText(input_places=(7,)), "is damaged: input 0 is value 7 of 2"),
    "no input": (MethodText(inputs=()), "it has 0 inputs and 1 outputs"),
    "external weights": (
        MethodText(other_values=(Tensor(external="encoder.weight").table(),)),
        "its tensor 'encoder.weight' is in another file",
    ),
    "huge input": (MethodText(inputs=(Tensor(sizes=(2**15, 2**15)),)), "its inputs have 4295 MB"),
    "huge output": (MethodText(outputs=(Tensor(sizes=(2**13, 2**13)),)), "its outputs have 268 MB"),
    "operator outside": (
        MethodText(operators=(("aten::add", "out"),), calls=(3,)),
        "operator 3 of 1 is called",
    ),
    "negative buffer": (MethodText(buffers=(-1,)), "a planned buffer has a negative size"),
    "many inputs": (MethodText(inputs=(Tensor(),) * 101), "it has 101 inputs, more than 100"),
}


@pytest.mark.parametrize("name", WRONG_METHODS)
def test_a_method_that_cannot_be_measured_is_refused_with_the_reason(name: str, tmp_path: Path) -> None:
    text, message = WRONG_METHODS[name]
    program = read_program(ProgramText((text,)).write(tmp_path / "net.pte"))
    with pytest.raises(UsageError, match=f"net.pte.*{message}"):
        program.method("forward")


def test_a_method_whose_name_is_no_identifier_is_named_harmlessly(tmp_path: Path) -> None:
    program = read_program(ProgramText((MethodText(name="a\x1b[31m/../b"),)).write(tmp_path / "net.pte"))
    with pytest.raises(UsageError, match="whose name is not an identifier") as refused:
        program.method(next(iter(program.plans)))
    assert "\x1b" not in refused.value.what


def test_a_vector_that_claims_more_tables_than_the_file_has_is_refused_at_once(tmp_path: Path) -> None:
    content = bytearray(ProgramText().encode())
    # The vector of methods: its length is the first 1 after the root table.
    at = content.index(struct.pack("<I", 1), 40)
    content[at : at + 4] = struct.pack("<I", 2**31)
    (tmp_path / "net.pte").write_bytes(content)
    with pytest.raises(UsageError, match="is damaged"):
        read_program(tmp_path / "net.pte")


def test_overlapping_vectors_cost_bounded_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_file, "MOST_TABLES", 10)
    text = MethodText(operators=(("aten::add", "out"),), calls=(0,) * 20)
    program = read_program(ProgramText((text,)).write(tmp_path / "net.pte"))
    with pytest.raises(UsageError, match="is damaged: a vector of 20 tables"):
        program.method("forward")


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.pte"):
        with pytest.raises(UsageError, match="cannot read the program"):
            read_program(path)


def test_a_program_without_extended_header_is_all_description(tmp_path: Path) -> None:
    text = replace(ProgramText(), segments=(), changes={8: b"\0\0\0\0"})
    program = read_program(text.write(tmp_path / "net.pte"))
    assert program.method("forward").inputs[0].text == "float32[2,8]"
