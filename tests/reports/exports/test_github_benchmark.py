"""Input of github-action-benchmark, where smaller is better."""

import pytest
from exported_cells import CELLS, EMULATED, NAME, SUSPECT, VALID, document


def test_each_entry_has_a_name_a_unit_and_a_value() -> None:
    entries = document("github-benchmark", *CELLS)
    assert entries
    for entry in entries:
        assert {"name", "unit", "value"} <= set(entry) <= {"name", "unit", "value", "range", "extra"}
        assert entry["value"] > 0
    assert len({entry["name"] for entry in entries}) == len(entries)


def test_an_accuracy_is_exported_as_its_error() -> None:
    (entry,) = (one for one in document("github-benchmark", VALID) if "top1" in one["name"])
    assert entry["name"] == f"{NAME} top1-error"
    assert entry["unit"] == "percent"
    assert entry["value"] == pytest.approx(30.0)
    assert entry["range"] == "28.9 to 31.2"


def test_an_emulated_device_has_no_times() -> None:
    units = {one["name"].split()[-1]: one["unit"] for one in document("github-benchmark", EMULATED)}
    assert units == {
        "instructions-per-inference": "instructions",
        "peak-rss-with-emulator": "bytes",
        "file-size": "bytes",
    }


def test_the_verdict_stands_beside_each_figure() -> None:
    (first, *_) = document("github-benchmark", SUSPECT)
    assert first["extra"] == f"suspect: throttled; file {'a' * 12}"
