"""What an evaluation refuses, and the line that reports its result."""

from pathlib import Path

import msgspec
import pytest

from builders import make_cell
from evaluations import make_evaluation
from harness.accuracy.datasets import open_dataset
from harness.accuracy.device_evaluation import TimedProgram, describe_accuracy, find_timed_program
from harness.accuracy.evaluate import evaluate_run
from harness.accuracy.preparation import Prepared
from harness.devices.target import Target
from harness.errors import MeasurementError, UsageError
from harness.lowering.artifact import lower_cached
from harness.lowering.inputs import SEEDED
from harness.records import Variant
from harness.records.run_folder import write_cell

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
