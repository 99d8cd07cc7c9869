"""`harness run --runtime`: the same weights by several runtimes, in one run."""

from pathlib import Path

import pytest

from harness_command import HarnessCommand
from small_data import write_idx, write_weights

SMALL = ("--width", "0.25", "--resolution", "32", "--precision", "fp32", "--processes", "2")
QUICK = ("--warmup", "2", "--iterations", "5", "--min-time", "0", "--max-rounds", "2")


def check_run(run_harness: HarnessCommand, folder: Path, devices: str, *runtimes: str) -> None:
    names = ",".join(("executorch", *runtimes))
    ended = run_harness(
        *("run", "--device", devices, *SMALL, *QUICK, "--runtime", names, "--out", "run", "--json"),
        timeout_s=600,
    )
    assert ended.exit_code == 0, ended.stderr
    cells = ended.document["cells"]
    assert len(cells) == len(devices.split(",")) * (1 + len(runtimes))
    for cell in cells:
        assert (cell["failure"], cell["parity"]["passed"]) == (None, True), cell["variant"]
        codes = {reason["code"] for reason in cell["verdict"]["reasons"] if reason["affects"] == "setup"}
        assert not codes & {"affinity_violated", "undelegated", "parity_failed"}
    counted = {
        cell["variant"]["runtime"]: {process["instructions_per_inference"] for process in cell["processes"]}
        for cell in cells
        if cell["device"]["kind"] == "emulator"
    }
    for name, counts in counted.items():
        # ONNX Runtime's differ by 0.05 % from process to process.
        assert max(counts) <= min(counts) * (1.001 if name == "onnxruntime" else 1), counted
    assert len({min(counts) for counts in counted.values()}) == 1 + len(runtimes)
    suffixes = {path.suffix for path in (folder / "run" / "artifacts").iterdir()}
    assert len(suffixes) == 1 + len(runtimes)
    page = (folder / "run" / "report" / "report.md").read_text()
    assert "| runtime |" in page
    again = run_harness(
        *("run", "--device", devices, *SMALL, *QUICK, "--runtime", names, "--out", "again", "--quiet"),
        timeout_s=600,
    )
    assert again.exit_code == 0, again.stderr
    assert "pushing" not in again.stderr


@pytest.mark.slow
def test_onnx_runtime_is_measured_beside_executorch(run_harness: HarnessCommand, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    check_run(run_harness, tmp_path, "host,emulator", "onnxruntime")


@pytest.mark.slow
def test_all_runtimes_are_measured_side_by_side(run_harness: HarnessCommand, tmp_path: Path) -> None:
    pytest.importorskip("litert_torch")
    check_run(run_harness, tmp_path, "host,emulator", "litert", "onnxruntime")


@pytest.mark.slow
def test_a_program_of_another_runtime_is_written_as_its_file(
    run_harness: HarnessCommand, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    lowered = ("lower", "-w", "0.25", "-r", "32", "-p", "int8", "--runtime", "onnxruntime", "--out", "files")
    ended = run_harness(*lowered, timeout_s=300)
    assert ended.exit_code == 0, ended.stderr
    assert [file.name for file in (tmp_path / "files").iterdir()] == [
        "mobilenet_v1_0.25_32_int8_onnxruntime.onnx"
    ]
    refused = run_harness("lower", "-p", "fp16", "--runtime", "onnxruntime")
    assert (refused.exit_code, "fp16 cannot be lowered to ONNX Runtime" in refused.stderr) == (2, True)


def check_accuracy(run_harness: HarnessCommand, folder: Path, devices: str, runtime: str) -> None:
    """Of fp32 and int8 of a runtime: on each image its reference's logits, by the same file."""
    images = write_idx(folder / "few", 40)
    write_weights(folder / "w.safetensors")
    ended = run_harness(
        *("run", "--device", devices, "--weights", "w.safetensors", "--precision", "fp32,int8"),
        *("--runtime", runtime, "--accuracy", images, *QUICK, "--processes", "2", "--out", "run", "--json"),
        timeout_s=600,
    )
    assert ended.exit_code == 0, ended.stderr
    cells = {(cell["device"]["kind"], cell["variant"]["precision"]): cell for cell in ended.document["cells"]}
    assert set(cells) == {(device, p) for device in devices.split(",") for p in ("fp32", "int8")}
    for (_, precision), cell in cells.items():
        accuracy, calibration = cell["accuracy"], cell["artifact"]["calibration"]
        assert (accuracy["images"], accuracy["agreement_with_eager"]) == (40, 1.0)
        assert (accuracy["first_mismatch_at"], cell["parity"]["passed"]) == (None, True)
        assert (accuracy["drop_from_fp32"] is None) == (calibration is None) == (precision == "fp32")


@pytest.mark.slow
def test_accuracy_is_that_of_onnx_runtimes_own_file(run_harness: HarnessCommand, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    # Not on the host: its ONNX Runtime computes int8 wrongly on x86-64 cores without VNNI.
    check_accuracy(run_harness, tmp_path, "emulator", "onnxruntime")


@pytest.mark.slow
def test_accuracy_is_that_of_litert_s_own_file(run_harness: HarnessCommand, tmp_path: Path) -> None:
    pytest.importorskip("litert_torch")
    check_accuracy(run_harness, tmp_path, "host,emulator", "litert")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--runtime", "ncnn"), "'ncnn' is none of executorch, litert, onnxruntime"),
        (("--runtime", "onnxruntime", "--precision", "fp16"), "fp16 cannot be lowered to ONNX Runtime"),
        (
            ("--runtime", "onnxruntime", "--precision", "int8", "--observer", "minmax"),
            "--observer minmax is of ExecuTorch alone",
        ),
        (("--runtime", "onnxruntime", "--profile"), "--profile is of ExecuTorch alone"),
        (
            ("--runtime", "onnxruntime", "--backend-options", "weight-cache"),
            "--backend-options is of ExecuTorch alone",
        ),
        (("--runtime", "onnxruntime", "--program", "x.pte"), "--runtime is of the built-in network"),
    ],
    ids=["unknown", "precision", "observer", "profile", "options", "program"],
)
def test_what_a_runtime_cannot_do_is_refused_before_anything_is_touched(
    run_harness: HarnessCommand, tmp_path: Path, options: tuple[str, ...], complaint: str
) -> None:
    (tmp_path / "x.pte").touch()
    ended = run_harness("run", "--device", "host", *options, "--out", "run")
    assert ended.exit_code == 2
    assert complaint in ended.stderr
    assert not (tmp_path / "run").exists()
