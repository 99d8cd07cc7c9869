"""The simulated devices of `bench_lab.py`, on two hosts of Ray's real processes."""

from pathlib import Path

import pytest

from harness.records.run_folder import load_run
from lab_hosts import require_ray

pytestmark = [pytest.mark.slow, pytest.mark.device]

SWEEP = ("-w", "0.25", "-r", "32,64", "-p", "fp32", "--processes", "2", "--min-time", "0.1s")


def test_simulated_devices_are_measured_through_a_lab_as_real_ones_are(tmp_path: Path) -> None:
    require_ray()
    from simulated_lab import SimulatedLab

    lab = SimulatedLab(tmp_path)
    try:
        for host, devices in (("left", range(3)), ("right", range(3, 6))):
            assert lab.add(host, devices).exit_code == 0
        ended = lab.drive(tmp_path / "run", *SWEEP, together=3)
        assert ended.exit_code == 0, ended.stderr
        # Nothing is left to measure: no device is asked, whether it is there or not.
        measured = lab.messages()
        again = lab.drive(tmp_path / "run", together=3)
        assert again.exit_code == 0, again.stderr
        assert len(lab.messages()) == len(measured)
    finally:
        lab.end()
    _, cells = load_run(tmp_path / "run")
    assert len(cells) == 12
    assert {cell.device.kind for cell in cells} == {"simulated"}
    assert all(len(cell.processes) == 2 and cell.memory and cell.memory.detail for cell in cells)
    assert all(cell.parity and cell.parity.passed for cell in cells)
