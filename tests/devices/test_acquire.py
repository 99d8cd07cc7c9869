"""A device is locked on this host, then opened, then locked on itself; and freed again whatever happens."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from harness.devices import host_lock
from harness.devices.acquire import acquire
from harness.devices.device import Device, describe
from harness.devices.device_kind import DeviceKind
from harness.devices.device_lock import find_holder, hold_on_device
from harness.devices.host_lock import hold_device
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import ConnectionLost, DeviceUnfit, Interrupted
from harness.transports.local import LocalTransport


def silently(_: str) -> None:
    """Drop a message."""


@contextmanager
def open_folder(target: Target, log: Callable[[str], None]) -> Iterator[Device]:
    """A folder of this machine as the device; one without a folder cannot be reached."""
    if not target.folder:
        raise ConnectionLost("no route to host")
    log("opened")
    info, _ = describe(LocalTransport(), name=target.name, kind=target.kind, folder=target.folder)
    yield Device(info, LocalTransport(), target.folder, LocalTransport)
    log("closed")


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """A device of a kind that does not run on this host."""
    monkeypatch.setattr(host_lock, "NAMESPACE", f"test-{tmp_path}"[-60:])
    monkeypatch.setitem(KINDS, "folder", DeviceKind(name="folder", runs_on_host=False, open=open_folder))
    monkeypatch.setitem(KINDS, "near", DeviceKind(name="near", runs_on_host=True, open=open_folder))
    return Target("far", "folder", "local", folder=str(tmp_path / "device"))


def near(target: Target) -> Target:
    return Target("near", "near", "local", folder=target.folder)


def is_free(target: Target) -> bool:
    """Whether another thread gets the lock on this host: the same thread may always take it again."""
    got: list[bool] = []

    def hold() -> None:
        try:
            with hold_device(target, silently, wait_s=0):
                got.append(True)
        except DeviceUnfit:
            got.append(False)

    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    return got == [True]


def test_a_device_is_held_by_both_locks_and_free_afterwards(target: Target) -> None:
    log: list[str] = []
    with acquire(target, log.append) as device:
        assert device.claim
        assert find_holder(device)
        assert not is_free(target)
        assert log == ["opened"]
    assert find_holder(device) is None
    assert is_free(target)
    assert log == ["opened", "closed"]


def test_a_device_on_this_host_needs_no_lock_of_its_own(target: Target) -> None:
    with acquire(near(target), silently) as device:
        assert not device.claim
        assert find_holder(device) is None
        assert not is_free(near(target))
    assert is_free(near(target))


def test_a_device_that_another_holds_can_be_opened_to_report_or_remove_its_lock(target: Target) -> None:
    with open_folder(target, silently) as other, hold_on_device(other, silently):
        holder = find_holder(other)
        with acquire(target, silently, lock_device=False) as device:
            assert find_holder(device) == holder
        assert find_holder(other) == holder


def test_a_device_that_cannot_be_opened_is_not_kept_locked(target: Target) -> None:
    unreachable = Target(target.name, target.kind, target.transport)
    with pytest.raises(ConnectionLost, match="no route"), acquire(unreachable, silently):
        pass
    assert is_free(unreachable)


def test_an_error_names_the_device_by_its_name_not_by_its_address(target: Target) -> None:
    placed = replace(target, address="pi@192.168.1.20")

    def fail(device: str) -> None:
        with acquire(placed, silently):
            raise DeviceUnfit("made up", device=device)

    for known, named in (("pi@192.168.1.20", "far"), ("", ""), ("other", "other")):
        with pytest.raises(DeviceUnfit) as caught:
            fail(known)
        assert caught.value.device == named


def test_an_error_in_the_block_frees_the_device(target: Target) -> None:
    def fail() -> None:
        with acquire(target, silently):
            raise DeviceUnfit("made up")

    with pytest.raises(DeviceUnfit, match="made up"):
        fail()
    assert is_free(target)
    with acquire(target, silently) as device:
        assert find_holder(device)


def test_waiting_for_the_lock_on_the_device_ends_when_cancelled(target: Target) -> None:
    cancelled = threading.Event()
    log: list[str] = []

    def cancel_once_it_waits(text: str) -> None:
        log.append(text)
        if text.startswith("waiting for process"):
            cancelled.set()

    with (
        open_folder(target, silently) as other,
        hold_on_device(other, silently),
        pytest.raises(Interrupted),
        acquire(target, cancel_once_it_waits, cancelled),
    ):
        pass
    assert log[0] == "opened"
    assert log[1].startswith("waiting for process")
    assert is_free(target)
