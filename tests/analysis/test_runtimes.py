"""Runtimes beside ExecuTorch: which precisions they take, and how files and variants are named."""

import msgspec
import pytest

from builders import make_cell, make_run
from harness.analysis.parity import reference_name
from harness.analysis.runtimes import (
    RUNTIMES,
    can_lower,
    check_runtimes,
    find_runtime,
    program_file,
    runtime_marker,
    runtime_title,
)
from harness.analysis.variant_labels import name_with_precision
from harness.errors import UsageError
from harness.records import Variant
from reports.cells_csv import cells_table
from reports.sections import placement_of
from reports.style import marker_of
from reports.tables import summarise

SMALL = Variant(width=0.25, resolution_px=128, precision="fp32")
OTHER = msgspec.structs.replace(SMALL, runtime="onnxruntime")


def test_a_variant_of_another_runtime_has_another_name_and_file() -> None:
    assert (SMALL.name, program_file(SMALL)) == (
        "mobilenet_v1_0.25_128_fp32",
        "mobilenet_v1_0.25_128_fp32.pte",
    )
    assert program_file(OTHER) == "mobilenet_v1_0.25_128_fp32_onnxruntime.onnx"
    assert name_with_precision(OTHER) == "0.25/128 fp32 ONNX Runtime"


def test_a_runtime_of_a_newer_version_is_named_and_drawn() -> None:
    assert (runtime_title("ncnn"), runtime_marker("ncnn")) == ("ncnn", "X")
    with pytest.raises(UsageError, match="there is no runtime 'ncnn'"):
        find_runtime("ncnn")


def test_each_runtime_has_a_marker_of_its_own() -> None:
    markers = [marker_of("fp32", name) for name in RUNTIMES]
    assert len(set(markers)) == len(RUNTIMES)


def test_a_precision_that_cannot_be_lowered_is_left_out_and_refused_alone() -> None:
    assert can_lower("executorch", "int8")
    assert can_lower("litert", "int8")
    assert not can_lower("litert", "fp16")
    check_runtimes(("executorch", "litert"), ("fp32", "fp16"))
    with pytest.raises(UsageError, match="fp16 cannot be lowered to LiteRT") as refused:
        check_runtimes(("executorch", "litert"), ("fp16",))
    assert refused.value.hint == "--precision fp32,int8, or leave litert out of --runtime"


@pytest.mark.parametrize(
    ("runtime", "precision", "name"),
    [
        ("executorch", "int8", "the eager model"),
        ("onnxruntime", "fp32", "the eager model"),
        ("onnxruntime", "int8", "exact integer arithmetic"),
        ("litert", "int8", "LiteRT on this machine"),
        ("ncnn", "int8", "its reference"),
    ],
)
def test_messages_name_what_an_output_is_compared_with(runtime: str, precision: str, name: str) -> None:
    assert reference_name(msgspec.structs.replace(SMALL, runtime=runtime, precision=precision)) == name


def test_a_table_names_the_runtime_only_where_there_is_another() -> None:
    cell = make_cell()
    variant = msgspec.structs.replace(cell.variant, runtime="litert")
    other = msgspec.structs.replace(cell, variant=variant)
    assert "runtime" not in summarise([cell]).columns
    table = summarise([cell, other])
    at = table.columns.index("runtime")
    assert {row.cells[at] for row in table.rows} == {"ExecuTorch", "LiteRT"}
    assert placement_of(other).text == "1 thread, LiteRT"
    (row,) = cells_table([(make_run((other,)), [other])])
    assert row["runtime"] == "litert"
