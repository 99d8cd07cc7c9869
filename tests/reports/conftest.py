"""One report of everything that can go wrong or differ, written once for all tests of pages and pictures."""

import pytest
from msgspec.structs import replace

from builders import failed, make_run, with_verdict
from reports.report import write_report
from synthetic import EMULATOR, HOSTILE_MODEL, HOSTILE_NAME, PHONE, VM, Written, simulate_cells


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """32 cells of a phone with a hostile name, and a few of each device whose clock is not real."""
    hostile = replace(PHONE, name=HOSTILE_NAME, model=HOSTILE_MODEL)
    phone = list(simulate_cells(hostile))
    phone[3] = failed(phone[3])
    phone[5] = with_verdict(phone[5], "suspect", "throttled", "frequency fell from 2802 to 1401 MHz")
    phone[9] = with_verdict(phone[9], "invalid", "parity", "largest difference 0.31 of 0.0001 allowed")
    emulated = simulate_cells(EMULATOR, widths=(0.25, 0.5), resolutions_px=(128, 224))
    virtual = simulate_cells(VM, widths=(0.25, 0.5), resolutions_px=(128,))
    folder = tmp_path_factory.mktemp("report")
    first, second = (*phone, *emulated), virtual
    write_report([(make_run(first, id="first"), first), (make_run(second, id="second"), second)], folder)
    return Written(folder, (*first, *second))
