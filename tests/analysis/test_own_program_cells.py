"""Own programs in what is computed from cells: compared by name, picked by cost, predicted never."""

import pytest
from msgspec.structs import replace

from builders import make_artifact, make_cell, make_own_cell, make_run
from harness.analysis.budget import Budget
from harness.analysis.comparison import compare
from harness.analysis.differences import find_differences
from harness.analysis.ladder import climb
from harness.analysis.prediction import predict_grids
from harness.analysis.selection import pick
from harness.analysis.selection_text import explain
from harness.analysis.variant_labels import label_variants, name_with_precision
from harness.errors import UsageError
from harness.records import Failure, TensorSpec, Variant

OLD, NEW = make_own_cell("net", 1.0), make_own_cell("net", 0.5, digest="d")


def test_two_versions_of_a_file_are_compared() -> None:
    assert find_differences(OLD, NEW) == []
    (found,) = compare((OLD,), (NEW,)).cells
    assert "net" in found.name


def test_versions_with_other_inputs_differ() -> None:
    rows = TensorSpec(dtype="float32", sizes=(4, 4), dim_order=(0, 1))
    other = replace(NEW, artifact=replace(NEW.artifact, inputs=(rows,)))
    assert find_differences(OLD, other) == [
        "inputs: int64[1,6], float32[<=1,6,4] in base, float32[4,4] in new"
    ]


def test_versions_that_were_fed_other_values_differ() -> None:
    other = replace(NEW, artifact=replace(NEW.artifact, reference_input_sha256="e" * 64))
    assert find_differences(OLD, other) == ["values of the inputs differ"]
    with pytest.raises(UsageError, match="the runs are not alike: values of the inputs differ"):
        compare((OLD,), (other,))


def test_a_method_is_another_cell() -> None:
    with pytest.raises(UsageError, match="no cell in common"):
        compare((OLD,), (make_own_cell("net", 1.0, "encode"),))


def test_the_cheapest_is_picked_because_no_accuracy_is_known() -> None:
    selection = pick((make_own_cell("large", 1.0), make_own_cell("small", 0.4, digest="d")))
    assert ": ship small.pte, 1 thread" in explain(selection)
    (answer,) = selection.answers
    assert answer.best is not None
    assert answer.best.cell.variant.name == "small"
    assert (answer.basis, answer.tied) == ("none", 2)


def test_nothing_is_predicted_from_own_programs() -> None:
    with pytest.raises(UsageError, match="own programs have no shape to predict others from"):
        predict_grids((OLD,))


def test_two_files_of_one_name_in_one_run_are_told_apart_by_digest() -> None:
    names = [name_with_precision(cell.variant) for cell in label_variants((OLD, NEW))]
    assert names == ["net.pte (net.pte cccccccc)", "net.pte (net.pte dddddddd)"]
    assert make_run((OLD, NEW)).request.widths == ()


def test_an_own_program_beside_networks_is_set_aside_by_name() -> None:
    variant = Variant(width=0.3, resolution_px=128, precision="fp32")
    network = make_cell(artifact=make_artifact(variant=variant))
    selection = pick((network, make_own_cell("net", 0.01)))
    (answer,) = selection.answers
    assert answer.basis == "none"
    assert [one.cell.variant.name for one in answer.ranked] == [variant.name]
    assert "set aside, neither an accuracy nor a size of the network is known: net.pte," in explain(selection)
    assert len(climb((network, make_own_cell("net", 0.01)), Budget(), {})) == 1


def test_nothing_is_predicted_where_the_cells_of_the_network_failed_beside_own_programs() -> None:
    failed = make_cell(processes=(), failure=Failure(what="killed"))
    with pytest.raises(UsageError, match="all of them failed or are invalid"):
        predict_grids((OLD, failed))


def test_one_candidate_is_counted_as_one() -> None:
    assert "the only candidate;" in explain(pick((OLD,)))
