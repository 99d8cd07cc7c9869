"""What an evaluation refuses, and the line that reports its result."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from builders import make_cell
from evaluations import make_evaluation
from harness.accuracy.datasets import open_dataset
from harness.accuracy.device_evaluation import (
    DeviceEvaluation,
    EvaluationRun,
    TimedProgram,
    describe_accuracy,
    find_timed_program,
)
from harness.accuracy.evaluate import evaluate_run
from harness.accuracy.image_runner import ImageRunner
from harness.accuracy.preparation import Prepared
from harness.devices.device import Device, describe
from harness.devices.device_kind import DeviceKind
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import ConnectionLost, LoweringError, MeasurementError, TransferFailed, UsageError
from harness.lowering.artifact import lower_cached
from harness.lowering.inputs import SEEDED
from harness.records import Variant
from harness.records.run_folder import write_cell
from harness.transports.local import LocalTransport

SHIPPED = Path(__file__).parent.parent / "data" / "fashion-mnist-1k"
VARIANT = Variant(width=0.25, resolution_px=32, precision="fp32", classes=10)


def test_a_cell_whose_weights_are_not_given_is_refused_by_name(tmp_path: Path) -> None:
    cell = make_cell()
    write_cell(tmp_path, cell)
    prepared = Prepared({}, {}, open_dataset(f"idx:{SHIPPED}"))
    target = Target(name=cell.device.name, kind="host", transport="local")
    with pytest.raises(UsageError, match=f"no weights file is given for {cell.variant.name}") as refused:
        evaluate_run(tmp_path, prepared, [target], lambda event: None, on_host=False)
    assert "--weights" in (refused.value.hint or "")


def test_without_a_data_set_nothing_is_evaluated(tmp_path: Path) -> None:
    assert evaluate_run(tmp_path, Prepared({}, {}, None), [], lambda event: None, on_host=True) == ()


class _Scripted(DeviceEvaluation):
    """Raises what the script has for a width in place of evaluating; `evaluated` has those without."""

    def __init__(self, script: dict[float, Exception | None], folder: Path) -> None:
        programs = [
            TimedProgram(msgspec.structs.replace(VARIANT, width=width), (make_cell(),)) for width in script
        ]
        run = EvaluationRun(
            folder, Prepared({}, {}, None), open_dataset(f"idx:{SHIPPED}"), lambda event: None
        )
        super().__init__(run, Target("left", "folder", "local", "left", folder=str(folder)), programs)
        self.script = script
        self.evaluated: list[float] = []

    def _evaluate(self, program: TimedProgram, runner: ImageRunner, number: int) -> None:
        if error := self.script[program.variant.shape[0]]:
            raise error
        self.evaluated.append(program.variant.shape[0])


@pytest.fixture
def folder_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def open_folder(target: Target, log: Callable[[str], None]) -> Iterator[Device]:
        info, _ = describe(LocalTransport(), name=target.name, kind=target.kind, folder=target.folder)
        yield Device(info, LocalTransport(), target.folder, LocalTransport)

    monkeypatch.setitem(KINDS, "folder", DeviceKind(name="folder", runs_on_host=False, open=open_folder))


@pytest.mark.usefixtures("folder_kind")
def test_whatever_a_programs_evaluation_raises_the_others_are_evaluated(tmp_path: Path) -> None:
    errors: dict[float, Exception | None] = {
        0.25: ValueError("odd"),
        0.5: None,
        0.75: LoweringError("not lowered"),
        1.0: TransferFailed("full"),
        2.0: None,
    }
    evaluation = _Scripted(errors, tmp_path)
    evaluation.evaluate()
    assert evaluation.evaluated == [0.5, 2.0]
    assert [(error.device, error.variant) for error in evaluation.errors] == [
        ("left", f"mobilenet_v1_{width}_32_fp32") for width in ("0.25", "0.75", "1")
    ]
    assert evaluation.errors[0].what.startswith("the harness has a defect: ValueError: odd at ")


@pytest.mark.usefixtures("folder_kind")
def test_a_device_that_is_gone_ends_its_evaluations(tmp_path: Path) -> None:
    evaluation = _Scripted({0.25: None, 0.5: ConnectionLost("gone"), 1.0: None}, tmp_path)
    evaluation.evaluate()
    assert evaluation.evaluated == [0.25]
    assert [error.what for error in evaluation.errors] == ["gone"]


@pytest.mark.slow
def test_only_the_bytes_that_were_timed_are_evaluated() -> None:
    stored = lower_cached(VARIANT)
    timed = msgspec.structs.replace(make_cell(), variant=VARIANT, artifact=stored.artifact)
    assert find_timed_program(TimedProgram(VARIANT, (timed,)), SEEDED).stored.program == stored.program
    other = msgspec.structs.replace(timed.artifact, sha256="0" * 64)
    changed = msgspec.structs.replace(timed, artifact=other)
    with pytest.raises(MeasurementError, match="have changed since the program was timed") as refused:
        find_timed_program(TimedProgram(VARIANT, (changed,)), SEEDED)
    assert "time the program again" in (refused.value.hint or "")


def test_the_result_line_has_the_interval_and_counts_unreadable_images() -> None:
    accuracy = make_evaluation("1" * 80 + "0" * 20).accuracy
    assert describe_accuracy(accuracy) == "top-1 80.0% (71.1% to 86.7%) of 100 images"
    lost = msgspec.structs.replace(accuracy, unreadable=3, unreadable_images=("a.jpg: truncated",))
    assert describe_accuracy(lost).endswith(
        "of 100 images; 3 images could not be read; the first: a.jpg: truncated"
    )
