"""The lock on a device: one holder, who is named, and stale ones that do not block for ever."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from harness.devices import device_lock
from harness.devices.device import Device, describe
from harness.devices.device_lock import find_holder, hold_on_device
from harness.errors import CommandFailed, DeviceUnfit
from harness.transports.local import LocalTransport


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_lock, "ASK_AGAIN_S", 0.05)


@pytest.fixture
def device(tmp_path: Path) -> Device:
    folder = str(tmp_path / "de vice")
    info, _ = describe(LocalTransport(), name="here", kind="host", folder=folder)
    return Device(info, LocalTransport(), folder, LocalTransport)


def silently(_: str) -> None:
    """Log nothing."""


Abandon = Callable[[Device], None]


@pytest.fixture
def abandon() -> Iterator[Abandon]:
    """Take a lock and do not give it back, as a killed harness does not."""
    with contextlib.ExitStack() as held:

        def take(device: Device) -> None:
            held.enter_context(hold_on_device(device, silently))

        yield take


def change_claim(device: Device, change: Callable[[list[str]], None]) -> None:
    """Rewrite the words of the claim in the lock that lies there."""
    holder = Path(device.folder) / "lock" / "holder"
    words = holder.read_text().split(" ", 4)
    change(words)
    holder.write_text(" ".join(words))


def test_a_held_device_is_free_again_afterwards(device: Device) -> None:
    with hold_on_device(device, silently):
        assert (Path(device.folder) / "lock").is_dir()
    assert not (Path(device.folder) / "lock").exists()


def test_a_second_harness_reports_which_one_holds_the_device(device: Device) -> None:
    answer: list[str] = []
    with (
        hold_on_device(device, silently),
        pytest.raises(DeviceUnfit, match=f"process {os.getpid()} of .* is using the device"),
        hold_on_device(device, answer.append, wait_s=0.2),
    ):
        pass
    assert len(answer) == 1
    assert answer[0].startswith(f"waiting for process {os.getpid()} of ")


def test_the_holder_is_found_while_there_is_one(device: Device) -> None:
    assert find_holder(device) is None
    with hold_on_device(device, silently):
        assert (find_holder(device) or "").startswith(f"process {os.getpid()} of ")
    assert find_holder(device) is None


def test_who_waits_gets_it_when_it_is_free(device: Device) -> None:
    released = threading.Event()

    def release() -> None:
        released.set()
        holding.__exit__(None, None, None)

    holding = hold_on_device(device, silently)
    holding.__enter__()
    timer = threading.Timer(0.3, release)
    timer.start()
    with hold_on_device(device, silently, wait_s=20):
        assert released.is_set()
    timer.join()


def test_only_one_of_many_gets_it(device: Device) -> None:
    inside, most = [0], [0]
    guard = threading.Lock()

    def take() -> None:
        with hold_on_device(device, silently, wait_s=60):
            with guard:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            with guard:
                inside[0] -= 1

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_the_lock_of_a_killed_harness_is_broken(device: Device, abandon: Abandon) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    abandon(device)
    change_claim(device, lambda words: words.__setitem__(3, str(gone.pid)))
    with hold_on_device(device, silently, wait_s=0):
        pass


def test_the_lock_of_an_earlier_boot_is_broken(device: Device, abandon: Abandon) -> None:
    earlier = Device(
        msgspec.structs.replace(device.info, boot_id="earlier"),
        device.transport,
        device.folder,
        LocalTransport,
    )
    abandon(earlier)
    assert (Path(device.folder) / "lock").exists()
    with hold_on_device(device, silently, wait_s=0):
        pass


def elsewhere(words: list[str]) -> None:
    words[2:4] = ["another-machine", "1"]


def pass_time(device: Device, seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the uptime read from now on be later; this machine's own cannot be set."""
    uptime = Path(device.folder).parent / "uptime"
    uptime.write_text(f"{float(Path('/proc/uptime').read_text().split()[0]) + seconds:.2f} 0.00\n")
    for name in ("_TAKE", "RENEW"):
        changed = getattr(device_lock, name).replace("/proc/uptime", str(uptime))
        monkeypatch.setattr(device_lock, name, changed)


def test_another_machines_lock_is_stale_only_when_it_is_old(
    device: Device, abandon: Abandon, monkeypatch: pytest.MonkeyPatch
) -> None:
    abandon(device)
    change_claim(device, elsewhere)
    with pytest.raises(DeviceUnfit), hold_on_device(device, silently, wait_s=0):
        pass
    pass_time(device, 60 * (device_lock.STALE_MINUTES + 2), monkeypatch)
    with hold_on_device(device, silently, wait_s=0):
        pass


@pytest.mark.parametrize("when", [0.0, 4102444800.0], ids=["1970", "2100"])
def test_a_device_whose_clock_jumps_keeps_a_live_lock_and_frees_a_dead_one(
    device: Device, abandon: Abandon, monkeypatch: pytest.MonkeyPatch, when: float
) -> None:
    abandon(device)
    change_claim(device, elsewhere)
    for path in (Path(device.folder) / "lock", *(Path(device.folder) / "lock").iterdir()):
        os.utime(path, (when, when))
    with pytest.raises(DeviceUnfit), hold_on_device(device, silently, wait_s=0):
        pass
    pass_time(device, 60 * (device_lock.STALE_MINUTES + 2), monkeypatch)
    with hold_on_device(device, silently, wait_s=0):
        pass


def test_a_lock_renewed_at_an_uptime_not_reached_yet_is_of_an_earlier_boot(
    device: Device, abandon: Abandon
) -> None:
    abandon(device)
    change_claim(device, elsewhere)
    (Path(device.folder) / "lock" / "renewed").write_text("9999999999.50 1.00\n")
    with hold_on_device(device, silently, wait_s=0):
        pass


@pytest.mark.parametrize("content", [None, "", "a[$(touch x)]", "-5", "9" * 40])
def test_a_lock_without_a_readable_uptime_ages_from_the_first_look(
    device: Device, abandon: Abandon, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    abandon(device)
    change_claim(device, elsewhere)
    renewed = Path(device.folder) / "lock" / "renewed"
    renewed.unlink()
    if content is not None:
        renewed.write_text(content)
    with pytest.raises(DeviceUnfit), hold_on_device(device, silently, wait_s=0):
        pass
    pass_time(device, 60 * (device_lock.STALE_MINUTES + 2), monkeypatch)
    with hold_on_device(device, silently, wait_s=0):
        pass


@pytest.mark.parametrize("shell", ["dash", "busybox sh", "mksh", "bash"])
@pytest.mark.parametrize(
    ("renewed", "age"), [("1.50 1.00", "old"), ("9999999999.50 1.00", "old"), ("junk", "held"), ("", "held")]
)
def test_every_shell_of_a_device_ages_a_lock_by_uptime(
    tmp_path: Path, shell: str, renewed: str, age: str
) -> None:
    script = device_lock._TAKE.replace("/proc/uptime", str(tmp_path / "uptime"))
    (tmp_path / "uptime").write_text("4000.25 1.00\n")

    def take(claim: str) -> str:
        argv = [*shell.split(), "-c", script, "lock", str(tmp_path / "de vice"), claim, "30"]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

    assert (take("ours"), take("ours"), take("theirs")) == ("taken", "taken", "held ours")
    (tmp_path / "de vice" / "lock" / "renewed").write_text(renewed)
    assert take("theirs") == f"{age} ours"


def test_a_running_holder_of_this_machine_keeps_an_old_lock(
    device: Device, abandon: Abandon, monkeypatch: pytest.MonkeyPatch
) -> None:
    abandon(device)
    pass_time(device, 60 * (device_lock.STALE_MINUTES + 2), monkeypatch)
    with pytest.raises(DeviceUnfit), hold_on_device(device, silently, wait_s=0):
        pass


def test_a_process_number_given_again_is_not_the_holder(device: Device, abandon: Abandon) -> None:
    abandon(device)
    change_claim(device, lambda words: words.__setitem__(3, f"{os.getpid()}@1"))
    assert find_holder(device) is None
    with hold_on_device(device, silently, wait_s=0):
        pass


@pytest.mark.parametrize("content", ["", "\x1b[2J garbage\n", "a b c d e\n" * 1000])
def test_a_malformed_claim_is_respected_and_shown_harmlessly(device: Device, content: str) -> None:
    lock = Path(device.folder) / "lock"
    lock.mkdir(parents=True)
    (lock / "holder").write_text(content)
    with (
        pytest.raises(DeviceUnfit, match="another harness is using the device"),
        hold_on_device(device, silently, wait_s=0),
    ):
        pass
    assert lock.exists()


def test_a_device_that_cannot_hold_a_lock_is_refused_at_once(device: Device) -> None:
    nowhere = Device(device.info, device.transport, "/proc/nowhere", LocalTransport)
    with pytest.raises(CommandFailed, match="nowhere"), hold_on_device(nowhere, silently):
        pass


def test_a_full_device_keeps_no_lock_without_a_holder(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    # /dev/full takes no byte, as a full file system does not.
    monkeypatch.setattr(device_lock, "_TAKE", device_lock._TAKE.replace('> "$1/lock/holder"', "> /dev/full"))
    with pytest.raises(CommandFailed, match="printf"), hold_on_device(device, silently):
        pass
    assert not (Path(device.folder) / "lock").exists()


def test_a_lock_taken_over_is_not_released_by_its_former_holder(device: Device) -> None:
    with hold_on_device(device, silently):
        change_claim(device, lambda words: words.__setitem__(0, "f" * 16))
    assert (Path(device.folder) / "lock").exists()
