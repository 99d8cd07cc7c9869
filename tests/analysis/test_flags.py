import pytest

from builders import with_verdict
from harness.analysis.flags import deciding_codes, is_flagged
from harness.records import DeviceInfo, Variant
from synthetic import EMULATOR, PHONE, simulate_cell

VARIANT = Variant(width=0.25, resolution_px=128, precision="int8")


@pytest.mark.parametrize(
    ("device", "code", "marked"),
    [
        (PHONE, "throttled", True),
        (PHONE, "undelegated", True),
        (EMULATOR, "emulated", False),
        (EMULATOR, "throttled", False),
        (EMULATOR, "counts_differ", True),
    ],
)
def test_a_reason_that_affects_times_does_not_flag_a_count(
    device: DeviceInfo, code: str, marked: bool
) -> None:
    cell = simulate_cell(device, VARIANT, processes=1, samples=2)
    assert is_flagged(with_verdict(cell, "suspect", code, "")) == marked
    assert not is_flagged(cell)


def test_reasons_of_severity_info_are_not_in_the_table() -> None:
    cell = simulate_cell(PHONE, VARIANT, processes=1, samples=2)
    assert deciding_codes(with_verdict(cell, "suspect", "busy", "")) == ("busy",)
    assert deciding_codes(with_verdict(cell, "valid", "outliers", "")) == ()
