"""Batches of a search on devices that measure, fail or lack a variant."""

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from harness.analysis.budget import Budget
from harness.devices.target import Target
from harness.errors import DeviceUnfit, HarnessError
from harness.measuring.search import Search, describe_search, search_each
from harness.records import Variant, Weights
from harness.records.run_folder import write_cell
from synthetic import PHONE, simulate_cells

PIXEL = Target(name="pixel", kind="android", transport="adb")
BUDGET = Budget(max_latency_ns=15e6)
CELLS = {cell.variant: cell for cell in simulate_cells(PHONE)}


def search(
    folder: Path, *, lacking: str = "", dead: bool = False
) -> tuple[Search, list[HarnessError], list[str]]:
    """Search in a folder; variants whose name contains `lacking` give no cell, and a dead device none at
    all."""
    asked: list[str] = []

    def measure(targets: Sequence[Target], variants: Sequence[Variant]) -> list[HarnessError]:
        assert list(targets) == [PIXEL]
        asked.extend(variant.name for variant in variants)
        good = [one for one in variants if not dead and not (lacking and lacking in one.name)]
        for variant in good:
            write_cell(folder, CELLS[variant])
        return [DeviceUnfit("gone")] if len(good) < len(variants) else []

    (found,), errors = search_each([PIXEL], tuple(CELLS), BUDGET, folder, measure, lambda _: None)
    return found, errors, asked


def test_a_search_measures_each_variant_once_and_reports_what_it_saved(tmp_path: Path) -> None:
    found, errors, asked = search(tmp_path)
    assert found.decided
    assert not errors
    assert len(asked) == len(set(asked)) == len(found.measured) < 12
    text = describe_search(found)
    assert text == (
        f"pixel: searched by measuring {len(asked)} of 32 variants; saved {32 - len(asked)}, which cannot be"
        " better within the budget"
    )


def test_a_search_that_is_continued_measures_only_what_is_open(tmp_path: Path) -> None:
    first, _, _ = search(tmp_path)
    again, _, asked = search(tmp_path)
    assert asked == []
    assert again == first


def test_a_dead_device_ends_its_search_with_its_error(tmp_path: Path) -> None:
    found, errors, asked = search(tmp_path, dead=True)
    assert len(asked) == 2
    assert [error.what for error in errors] == ["gone"]
    assert not found.decided
    assert "not decided: 32 of them could still be better" in describe_search(found)


def test_a_variant_without_a_cell_is_tried_once_and_leaves_the_search_undecided(tmp_path: Path) -> None:
    found, errors, asked = search(tmp_path, lacking="1_160_int8")
    assert asked.count("mobilenet_v1_1_160_int8") <= 1
    assert len(asked) > 2
    assert found.decided == (not errors)


def test_files_of_one_shape_are_two_variants_and_what_limits_rule_out_is_said(tmp_path: Path) -> None:
    cells = {}
    for digest in "ab":
        weights = Weights(source=f"{digest}.pt", sha256=digest * 64)
        for cell in CELLS.values():
            variant = replace(cell.variant, weights=weights)
            artifact = replace(cell.artifact, variant=variant, sha256=digest * 64)
            cells[variant] = replace(cell, variant=variant, artifact=artifact)

    def measure(_: Sequence[Target], variants: Sequence[Variant]) -> list[HarnessError]:
        for variant in variants:
            write_cell(tmp_path, cells[variant])
        return []

    (found,), _ = search_each([PIXEL], tuple(cells), BUDGET, tmp_path, measure, lambda _: None)
    assert found.decided
    assert {one.weights.source for one in found.measured} == {"a.pt", "b.pt"}
    assert len(found.measured) + len(found.ruled_out) == 64
    assert describe_search(found).endswith(f"; saved {len(found.ruled_out)}, which are over the budget")
