"""Measuring on several devices: cells are saved for each, and errors are reported with their device."""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from session_bench import Bench

from builders import make_run
from harness.devices.device import Device, describe
from harness.devices.device_kind import DeviceKind
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import ConnectionLost, DeviceUnfit, HarnessError
from harness.measuring.parallel import measure_on
from harness.records import RunRequest
from harness.records.progress import Event
from harness.records.run_folder import read_cells, write_run
from harness.transports.local import LocalTransport
from harness.transports.reconnecting import DeviceRestarted


@contextmanager
def open_folder(target: Target, log: Callable[[str], None]) -> Iterator[Device]:
    """A folder of this machine as the device; one without a folder cannot be reached."""
    if not target.folder:
        raise ConnectionLost("no route to host")
    log("opened")
    info, _ = describe(LocalTransport(), name=target.name, kind=target.kind, folder=target.folder)
    yield Device(info, LocalTransport(), target.folder, LocalTransport)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(KINDS, "folder", DeviceKind(name="folder", runs_on_host=False, open=open_folder))
    made = Bench(tmp_path, LocalTransport())
    made.add(0.25)
    write_run(tmp_path / "run", make_run(()))
    return made


def target(bench: Bench, name: str) -> Target:
    return Target(name, "folder", "local", name, folder=str(bench.folder / name))


REQUEST = RunRequest(
    devices=("left",),
    widths=(0.25,),
    resolutions_px=(32,),
    precisions=("fp32",),
    threads=(1,),
    processes=2,
    warmup_iterations=1,
    sampler=False,
)


def measure(
    bench: Bench, *targets: Target, request: RunRequest = REQUEST
) -> tuple[list[HarnessError], list[Event]]:
    """The errors and the events of measuring into the bench's run folder."""
    events: list[Event] = []
    folder = bench.folder / "run"
    errors = measure_on(targets, request, bench.futures, folder, events.append, lambda _: bench.bundle())
    return errors, events


def test_every_device_saves_its_own_cells(bench: Bench) -> None:
    errors, events = measure(bench, target(bench, "left"), target(bench, "right"))
    assert errors == []
    cells = read_cells(bench.folder / "run")
    assert {cell.device.name: len(cell.processes) for cell in cells} == {"left": 2, "right": 2}
    assert {event.device for event in events} == {"left", "right"}
    assert max(event.step for event in events) == 2
    assert all(event.steps == 2 for event in events if event.cell)


def test_a_device_that_cannot_be_reached_is_reported_and_the_others_are_measured(bench: Bench) -> None:
    unreachable = Target("gone", "folder", "local", "gone")
    (error,), _ = measure(bench, unreachable, target(bench, "left"))
    assert isinstance(error, ConnectionLost)
    assert (error.device, error.what) == ("gone", "no route to host")
    assert [cell.device.name for cell in read_cells(bench.folder / "run")] == ["left"]


def test_an_unexpected_error_of_a_device_is_its_own_and_the_others_are_measured(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def open_odd(target: Target, log: Callable[[str], None]) -> Iterator[Device]:
        with open_folder(target, log) as device:
            if target.name == "odd":
                raise struct.error("unpack requires a buffer of 4 bytes")
            yield device

    monkeypatch.setitem(KINDS, "folder", DeviceKind(name="folder", runs_on_host=False, open=open_odd))
    (error,), _ = measure(bench, target(bench, "odd"), target(bench, "left"))
    assert error.device == "odd"
    assert "the harness has a defect: error: unpack requires a buffer of 4 bytes" in error.what
    assert [cell.device.name for cell in read_cells(bench.folder / "run")] == ["left"]


@pytest.mark.parametrize(("restarts", "measured"), [(2, True), (3, False)])
def test_a_device_that_restarts_is_opened_again_twice(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, restarts: int, measured: bool
) -> None:
    left = [DeviceRestarted("the device restarted")] * restarts

    @contextmanager
    def open_restarting(target: Target, log: Callable[[str], None]) -> Iterator[Device]:
        with open_folder(target, log) as device:
            if left:
                raise left.pop()
            yield device

    kind = DeviceKind(name="folder", runs_on_host=False, open=open_restarting)
    monkeypatch.setitem(KINDS, "folder", kind)
    errors, events = measure(bench, target(bench, "left"))
    assert bool(read_cells(bench.folder / "run")) == measured
    assert [error.what for error in errors] == ([] if measured else ["the device restarted"])
    text = "the device restarted; continuing with the unfinished cells"
    assert [event.text for event in events].count(text) == 2


def test_more_threads_than_cores_are_refused_with_the_number_of_cores(bench: Bench) -> None:
    request = msgspec.structs.replace(REQUEST, threads=(4096,))
    (error,), _ = measure(bench, target(bench, "left"), request=request)
    assert isinstance(error, DeviceUnfit)
    assert error.what.startswith("4096 threads need 4096 cores, and only ")
    assert error.hint.startswith("--threads ")
