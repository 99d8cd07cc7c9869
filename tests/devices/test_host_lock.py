"""The lock on this machine: one harness at a time, and who holds it may take it again."""

import os
import threading
from pathlib import Path

import pytest

from harness.devices.host_lock import hold_device
from harness.devices.places import group_by_place
from harness.devices.target import Target
from harness.errors import DeviceUnfit, Interrupted

HOST = Target("host", "host", "local")
EMULATOR = Target("emulator", "emulator", "local")
PHONE = Target("phone", "android", "adb", "serial")
BOARD = Target("board", "linux_board", "ssh", "pi@board")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))


def try_in_another_thread(target: Target, cancelled: threading.Event | None = None) -> list[object]:
    """What was logged, and how the attempt ended."""
    answer: list[object] = []

    def hold() -> None:
        try:
            with hold_device(target, answer.append, cancelled, wait_s=0.3):
                answer.append("held")
        except (DeviceUnfit, Interrupted) as error:
            answer.append(error)

    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    return answer


def test_who_holds_this_machine_may_take_it_again_and_nobody_else() -> None:
    with hold_device(EMULATOR, print):
        with hold_device(HOST, print, wait_s=0):
            pass
        who, error = try_in_another_thread(HOST)
        assert who == f"waiting for process {os.getpid()}"
        assert isinstance(error, DeviceUnfit)
        assert try_in_another_thread(PHONE) == ["held"]
    assert try_in_another_thread(HOST) == ["held"]


def test_a_holder_that_has_not_written_its_name_yet_is_another_harness(tmp_path: Path) -> None:
    with hold_device(HOST, print):
        (tmp_path / "locks" / "this-machine.holder").write_text("")
        assert try_in_another_thread(HOST)[0] == "waiting for another harness"
        (tmp_path / "locks" / "this-machine.holder").unlink()
        assert try_in_another_thread(HOST)[0] == "waiting for another harness"


def test_waiting_ends_when_it_is_cancelled() -> None:
    cancelled = threading.Event()
    cancelled.set()
    with hold_device(HOST, print):
        assert isinstance(try_in_another_thread(HOST, cancelled)[-1], Interrupted)


def test_devices_on_this_machine_are_one_group_and_all_others_their_own() -> None:
    groups = list(group_by_place([PHONE, HOST, BOARD, EMULATOR]))
    assert groups == [(HOST, EMULATOR), (PHONE,), (BOARD,)]
