"""One entry in `PRECISIONS` is all that a new precision takes: lowered, checked, listed and drawn."""

from pathlib import Path

import msgspec
import pytest
from small_variants import SMALL, run_on_host

from harness.analysis.parity import compare, read_reference
from harness.analysis.precisions import FP16_ARITHMETIC, PRECISIONS, Precision, Recipe, Style
from harness.cli.parsing import parse_precisions
from harness.errors import UsageError
from harness.lowering.artifact import lower_cached
from harness.lowering.cache import artifact_key
from reports.style import colour_of, marker_of

NAME = "int8_per_tensor"
ENTRY = Precision(
    Recipe("int8", weight_scales="per_tensor"), relative_tolerance=1e-4, style=Style("#56b4e9", "P")
)


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a precision that the harness does not have by itself."""
    monkeypatch.setitem(PRECISIONS, NAME, ENTRY)
    return NAME


@pytest.mark.slow
def test_an_added_precision_is_lowered_to_one_delegate_that_passes_its_own_parity_rule(
    added: str, shared_cache: Path
) -> None:
    stored = lower_cached(msgspec.structs.replace(SMALL, precision=added))
    assert (stored.artifact.delegates, stored.artifact.undelegated_nodes) == (1, ())
    assert stored.artifact.calibration is not None
    output, reference = run_on_host(stored), read_reference(stored.reference_output)
    assert compare(output, reference, added).passed
    step = min(abs(value) for value in reference if value)
    assert not compare([output[0] + step, *output[1:]], reference, added).passed


def test_an_added_precision_is_known_to_the_command_line(added: str) -> None:
    assert parse_precisions(f"fp32,{added}") == ("fp32", added)
    with pytest.raises(UsageError, match=f"there is no precision 'fp8'.*, {added}"):
        parse_precisions("fp8")


def test_a_precision_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError, match=f"there is no precision '{NAME}'; choose from fp32, fp16, int8"):
        parse_precisions(NAME)


def test_a_variant_of_an_unknown_precision_is_not_lowered() -> None:
    with pytest.raises(UsageError, match=f"there is no precision '{NAME}'") as caught:
        artifact_key(msgspec.structs.replace(SMALL, precision=NAME))
    assert "choose one or more of: fp32, fp16, int8" in str(caught.value)


def test_an_added_precision_has_its_own_style_in_plots(added: str) -> None:
    assert (colour_of(added), marker_of(added)) == ("#56b4e9", "P")


def test_no_two_precisions_look_alike() -> None:
    styles = [entry.style for entry in PRECISIONS.values()]
    assert len({style.colour for style in styles}) == len({style.marker for style in styles}) == len(styles)


def test_a_recipe_is_part_of_the_key_in_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    key = artifact_key(msgspec.structs.replace(SMALL, precision="int8"))
    monkeypatch.setitem(PRECISIONS, "int8", ENTRY)
    assert artifact_key(msgspec.structs.replace(SMALL, precision="int8")) != key


def test_what_a_precision_looks_like_is_not_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    key = artifact_key(SMALL)
    drawn_otherwise = Precision(PRECISIONS["fp32"].recipe, 1.0, ENTRY.style, needs=FP16_ARITHMETIC)
    monkeypatch.setitem(PRECISIONS, "fp32", drawn_otherwise)
    assert artifact_key(SMALL) == key
