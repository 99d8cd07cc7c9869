import pytest

from builders import with_verdict
from harness.records import DeviceInfo, Variant
from reports.flags import grave_codes, is_doubtful
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
def test_what_speaks_against_a_time_does_not_speak_against_a_count(
    device: DeviceInfo, code: str, marked: bool
) -> None:
    cell = simulate_cell(device, VARIANT, processes=1, samples=2)
    assert is_doubtful(with_verdict(cell, "suspect", code, "")) == marked
    assert not is_doubtful(cell)


def test_what_only_informs_does_not_crowd_the_table() -> None:
    cell = simulate_cell(PHONE, VARIANT, processes=1, samples=2)
    assert grave_codes(with_verdict(cell, "suspect", "busy", "")) == ("busy",)
    assert grave_codes(with_verdict(cell, "valid", "outliers", "")) == ()
