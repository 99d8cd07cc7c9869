"""What goes wrong between harness and device, for real: nothing is lost, and no figure is wrong."""

import threading
from collections.abc import Callable, Iterator
from functools import partial

import msgspec
import pytest
from fault_proxy import FaultProxy
from small_sweep import REQUEST, Ended, Laboratory, open_laboratory

from harness.records import RunRequest

# Long enough to be caught at work: a quarter of a second of virtual time takes some seconds.
LONGER = msgspec.structs.replace(REQUEST, precisions=("int8",), min_seconds=0.25)

pytestmark = [pytest.mark.slow, pytest.mark.device]


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    with open_laboratory() as opened:
        yield opened


def sweep_disturbed_by(
    laboratory: Laboratory, disturb: Callable[[], object], request: RunRequest = LONGER
) -> Ended:
    """A sweep by adb in which something happens once, while a runner is at work."""

    def wait_and_disturb() -> None:
        laboratory.wait_for_runner()
        disturb()

    thread = threading.Thread(target=wait_and_disturb)
    thread.start()
    ended = laboratory.sweep("adb-direct", request=request)
    thread.join()
    return ended


@pytest.mark.parametrize(("route", "seed"), [("adb-direct", 5), ("ssh", 5)])
def test_a_harmed_connection_loses_nothing_and_falsifies_nothing(
    laboratory: Laboratory, route: str, seed: int
) -> None:
    machine = laboratory.machine
    laboratory.empty(route)
    with FaultProxy(machine.ssh_port if route == "ssh" else machine.adb_port, seed=seed) as proxy:
        ended = laboratory.sweep(route, proxy.port)
    assert ended.explained
    assert laboratory.wrong(ended.cells, route) == []
    assert ended.orphans == ()
    assert proxy.struck


def test_a_killed_adbd_does_not_end_what_is_measured(laboratory: Laboratory) -> None:
    ended = sweep_disturbed_by(laboratory, lambda: laboratory.root("pkill", "-9", "-x", "adbd"))
    assert ended.complete, (ended.errors, ended.cells)
    assert any("connecting again" in text for text in ended.answer)
    assert not any("measuring this process again" in text for text in ended.answer)
    assert laboratory.wrong(ended.cells, "adb-direct") == []


def test_a_runner_that_vanishes_with_its_supervisor_is_measured_again(laboratory: Laboratory) -> None:
    ended = sweep_disturbed_by(
        laboratory, lambda: laboratory.root("pkill", "-9", "-f", "launch.sh [s]upervise|[/]runner --model")
    )
    assert ended.complete, (ended.errors, ended.cells)
    assert any("measuring this process again" in text for text in ended.answer)
    assert all(len(cell.processes) == cell.plan.processes for cell in ended.cells)


@pytest.mark.parametrize(("name", "number"), [("SEGV", 11), ("KILL", 9)])
def test_a_runner_that_crashes_fails_its_cell_with_the_reason_and_the_next_is_measured(
    laboratory: Laboratory, name: str, number: int
) -> None:
    both = msgspec.structs.replace(LONGER, precisions=("fp32", "int8"))
    ended = sweep_disturbed_by(laboratory, partial(laboratory.crash_runner, name), request=both)
    (failed,) = (cell.failure for cell in ended.cells if cell.failure)
    (measured,) = (cell for cell in ended.cells if not cell.failure)
    assert f"killed by signal {number}" in failed.what
    assert "MB of memory were available before" in failed.what
    assert len(measured.processes) == measured.plan.processes
    assert ended.orphans == ()


def test_a_restarted_machine_is_noticed_and_what_it_measured_is_measured_again() -> None:
    # QEMU's network does not report that the guest's end of a connection is gone.
    with open_laboratory(may_restart=True) as laboratory:
        ended = sweep_disturbed_by(
            laboratory,
            lambda: laboratory.control.run(["sudo", "sh", "-c", "reboot -f >/dev/null 2>&1 &"], timeout_s=60),
        )
        assert ended.complete, (ended.errors, ended.cells)
        assert any(text.startswith("the device restarted") for text in ended.answer)
        assert len({cell.device.boot_id for cell in ended.cells}) == 1
