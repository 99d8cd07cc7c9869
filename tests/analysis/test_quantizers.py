"""int8 of several runtimes is several networks: pick and the report say so, and rank by measured accuracy."""

from msgspec.structs import replace
from picked_cells import cell_of, explain, pick

from harness.analysis.known_accuracy import published_top1
from harness.analysis.quantizers import describe_quantizers, quantizer_of
from harness.records import Cell
from reports.accuracy import accuracy_notes
from synthetic import quantized_by

WHOSE = (
    "each runtime's own quantizer made its int8: ExecuTorch's by executorch 1.5.1, ONNX Runtime's by"
    " onnxruntime 1.32.0"
)


def _int8(runtime: str, quantizer: str | None, *, ms: float = 5, measured: float | None = None) -> Cell:
    cell = cell_of(0.5, 160, ms=ms, measured=measured)
    return quantized_by(cell, runtime, quantizer)


EXECUTORCH = _int8("executorch", "executorch 1.5.1", ms=6)
ONNX = _int8("onnxruntime", "onnxruntime 1.32.0")


def test_quantizers_are_named_where_there_are_several() -> None:
    assert describe_quantizers([ONNX, EXECUTORCH]) == WHOSE
    assert describe_quantizers([ONNX]) is None
    assert describe_quantizers([]) is None


def test_a_cell_of_an_older_version_or_of_an_unknown_runtime_has_no_version() -> None:
    assert quantizer_of(replace(ONNX, artifact=replace(ONNX.artifact, calibration=None))) == "onnxruntime"
    unknown = _int8("ncnn", None)
    assert quantizer_of(unknown) == "its quantizer"
    assert (describe_quantizers([EXECUTORCH, unknown]) or "").endswith(", ncnn's by its quantizer")


def test_int8_of_another_runtime_has_no_published_accuracy_and_is_set_aside() -> None:
    assert published_top1(EXECUTORCH) is not None
    assert published_top1(ONNX) is None
    answer = pick([ONNX, EXECUTORCH])
    assert (answer.basis, answer.best and answer.best.cell.variant.runtime) == ("published", "executorch")
    text = explain([ONNX, EXECUTORCH])
    assert "set aside, no published accuracy of their shape and quantizer: " in text
    assert f"caution: {WHOSE}; without measured accuracies these cannot be compared (--accuracy)" in text


def test_without_any_accuracy_the_pick_says_that_quantizers_differ() -> None:
    litert = _int8("litert", "ai-edge-quantizer 0.10.0", ms=4)
    text = explain([ONNX, litert])
    assert "no accuracy is known" in text
    assert "caution: each runtime's own quantizer made its int8: LiteRT's by ai-edge-quantizer 0.10.0" in text


def test_measured_accuracies_are_compared_without_a_caution() -> None:
    cells = [
        _int8("executorch", "executorch 1.5.1", ms=6, measured=0.6),
        _int8("onnxruntime", "onnxruntime 1.32.0", measured=0.7),
    ]
    answer = pick(cells)
    assert (answer.basis, answer.best and answer.best.cell.variant.runtime) == ("measured", "onnxruntime")
    assert "quantizer" not in explain(cells)


def test_the_report_says_whose_quantizers_made_int8_and_what_it_was_compared_with() -> None:
    measured = _int8("onnxruntime", "onnxruntime 1.32.0", measured=0.7)
    assert accuracy_notes([measured, EXECUTORCH]) == (
        f"E{WHOSE[1:]}. They are different networks: compare them at their measured accuracy.",
        "0.5/160 int8 ONNX Runtime: the reference is exact integer arithmetic, by the same file.",
    )
    assert measured.accuracy
    wrong = replace(measured, accuracy=replace(measured.accuracy, first_mismatch_at="device"))
    assert any(
        "output differs from exact integer arithmetic; first mismatch: on the device" in note
        for note in accuracy_notes([wrong])
    )
