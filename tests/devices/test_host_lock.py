"""The lock on this machine: who measures it is alone, and a few use emulated devices at once."""

import os
import pwd
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from harness.devices import host_lock
from harness.devices.host_lock import hold_device
from harness.devices.places import group_by_place
from harness.devices.target import Target
from harness.errors import DeviceBusy, DeviceUnfit, Interrupted
from harness.system.paths import PROJECT

HOST = Target("host", "host", "local")
EMULATOR = Target("emulator", "emulator", "local")
SAME_CORE = Target("emulator:cortex-a76", "emulator", "local", "cortex-a76")
MACHINE = Target("arm-vm", "arm_vm", "adb-direct")
PHONE = Target("phone", "android", "adb", "serial")
ON_USB = Target("phone", "android", "adb-direct", "usb:serial")
BOARD = Target("board", "linux_board", "ssh", "pi@board")


@pytest.fixture(autouse=True)
def _own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests measure on this machine at the same time."""
    monkeypatch.setattr(host_lock, "NAMESPACE", f"test-{os.getpid()}")


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
        holder = f"process {os.getpid()} of {pwd.getpwuid(os.getuid()).pw_name}"
        assert who == f"waiting for {holder}, which is using the device"
        assert isinstance(error, DeviceUnfit)
        assert try_in_another_thread(PHONE) == ["held"]
    assert try_in_another_thread(HOST) == ["held"]


@pytest.mark.parametrize("one", [PHONE, ON_USB])
def test_a_phone_is_one_device_through_adb_and_on_usb(one: Target) -> None:
    with hold_device(one, print):
        for target in (PHONE, ON_USB):
            assert isinstance(try_in_another_thread(target)[-1], DeviceBusy)
        assert try_in_another_thread(Target("other", "android", "adb", "other")) == ["held"]


def test_emulated_devices_are_used_at_once_by_a_few_harnesses_and_this_machine_by_one() -> None:
    with hold_device(EMULATOR, print):
        assert try_in_another_thread(MACHINE) == ["held"]
        # Programs and results of one emulator, by whichever name, are in one folder of the cache.
        for target in (EMULATOR, SAME_CORE, HOST):
            assert isinstance(try_in_another_thread(target)[-1], DeviceUnfit)
    with hold_device(HOST, print):
        for target in (EMULATOR, MACHINE):
            assert isinstance(try_in_another_thread(target)[-1], DeviceUnfit)
    assert try_in_another_thread(MACHINE) == ["held"]


def test_an_emulators_folder_is_the_same_by_whichever_path(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    by_path, by_link = (
        Target("emulator", "emulator", "local", folder=str(tmp_path / name)) for name in ("folder", "link")
    )
    with hold_device(by_path, print):
        assert isinstance(try_in_another_thread(by_link)[-1], DeviceUnfit)


def test_who_waits_for_this_machine_is_before_those_that_come_later() -> None:
    waits, later = threading.Event(), []

    def measure() -> None:
        with hold_device(HOST, lambda _: waits.set()):
            later.append(try_in_another_thread(EMULATOR)[-1])

    thread = threading.Thread(target=measure)
    with hold_device(MACHINE, print):
        thread.start()
        assert waits.wait(30)
        later.append(try_in_another_thread(MACHINE)[-1])
    thread.join()
    assert [type(answer) for answer in later] == [DeviceBusy, DeviceBusy]
    assert try_in_another_thread(EMULATOR) == ["held"]


def test_more_harnesses_than_there_are_seats_wait() -> None:
    with ExitStack() as stack:
        for number in range(host_lock.SEATS):
            cache = Target(f"emulator-{number}", "emulator", "local", folder=f"/{number}")
            assert try_in_another_thread(cache) == ["held"]
            stack.enter_context(_held_in_another_thread(cache))
        assert isinstance(try_in_another_thread(MACHINE)[-1], DeviceUnfit)
    assert try_in_another_thread(MACHINE) == ["held"]


@contextmanager
def _held_in_another_thread(target: Target) -> Iterator[None]:
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with hold_device(target, print, wait_s=0):
            held.set()
            over.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    yield
    over.set()
    thread.join()


HOLD = """
import os, sys, time
from harness.devices import host_lock
from harness.devices.target import Target
host_lock.NAMESPACE = sys.argv[1]
os.setuid(int(sys.argv[2]))
with host_lock.hold_device(Target("host", "host", "local"), print):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def held_by_another_process(*, uid: int | None = None, cache: str = "") -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, host_lock.NAMESPACE, str(os.getuid() if uid is None else uid)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "HARNESS_CACHE": cache, "PYTHONPATH": str(PROJECT)},
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.kill()


def test_the_lock_is_the_machines_whatever_the_cache_folder(tmp_path: Path) -> None:
    with held_by_another_process(cache=str(tmp_path)) as holder:
        who, error = try_in_another_thread(HOST)
        assert str(who).startswith(f"waiting for process {holder.pid} of ")
        assert isinstance(error, DeviceUnfit)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process of another user")
def test_the_lock_is_the_machines_whatever_the_user() -> None:
    nobody = pwd.getpwnam("nobody")
    with held_by_another_process(uid=nobody.pw_uid) as holder:
        assert try_in_another_thread(HOST)[0] == (
            f"waiting for process {holder.pid} of nobody, which is using the device"
        )


def test_the_lock_of_a_killed_process_is_free() -> None:
    with held_by_another_process() as holder:
        holder.kill()
        holder.wait()
        assert try_in_another_thread(HOST) == ["held"]


def test_a_name_that_is_bound_but_not_listened_at_is_another_harness() -> None:
    with socket.socket(socket.AF_UNIX) as squatter:
        squatter.bind(host_lock.kernel_name(host_lock.THIS_MACHINE))
        assert try_in_another_thread(HOST)[0] == "waiting for another harness, which is using the device"


def test_more_waiting_harnesses_than_the_holder_expects_still_wait() -> None:
    with hold_device(HOST, print):
        answers = {str(try_in_another_thread(HOST)[0]) for _ in range(3)}
        questions = []
        for _ in range(host_lock.WAITING_HARNESSES + 10):
            question = socket.socket(socket.AF_UNIX)
            question.setblocking(False)
            question.connect_ex(host_lock.kernel_name(host_lock.THIS_MACHINE))
            questions.append(question)
        assert try_in_another_thread(HOST)[0] == "waiting for another harness, which is using the device"
        for question in questions:
            question.close()
    assert len(answers) == 1


def test_waiting_ends_when_it_is_cancelled() -> None:
    cancelled = threading.Event()
    cancelled.set()
    with hold_device(HOST, print):
        assert isinstance(try_in_another_thread(HOST, cancelled)[-1], Interrupted)


def test_devices_on_this_machine_are_one_group_and_all_others_their_own() -> None:
    groups = list(group_by_place([PHONE, HOST, BOARD, EMULATOR]))
    assert groups == [(HOST, EMULATOR), (PHONE,), (BOARD,)]
