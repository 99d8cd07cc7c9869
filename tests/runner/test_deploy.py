"""Files on a device: pushed once, checked by sha256, never half there."""

import hashlib
from pathlib import Path

import pytest

from fakes import DamagingTransport
from harness.devices.device import Device, describe
from harness.errors import DeviceUnfit, TransferFailed
from harness.runner.bundle import Bundle
from harness.runner.deploy import DeviceFile, deploy_bundle, push_missing
from harness.transports.local import LocalTransport


def device_in(folder: Path, transport: LocalTransport, free_bytes: int | None = None) -> Device:
    info, _ = describe(LocalTransport(), name="here", kind="host", folder=str(folder))
    return Device(info, transport, str(folder), LocalTransport, free_bytes=free_bytes)


def file_of(tmp_path: Path, content: bytes, name: str) -> DeviceFile:
    source = tmp_path / "source"
    source.write_bytes(content)
    return DeviceFile(source, str(tmp_path / "device" / name), hashlib.sha256(content).hexdigest(), 0o755)


@pytest.mark.parametrize(
    "name",
    ["plain", "with space", "quo'te\"", "$(touch evil);", "ünïcode", "back\\slash", "\\\\n", "a\u2028b"],
)
def test_a_file_is_pushed_once(tmp_path: Path, name: str) -> None:
    device = device_in(tmp_path / "device", LocalTransport())
    file = file_of(tmp_path, b"content", name)
    answer: list[str] = []
    assert push_missing(device, [file], answer.append) == (file,)
    assert Path(file.destination).read_bytes() == b"content"
    assert Path(file.destination).stat().st_mode & 0o777 == 0o755
    assert answer == ["pushing 1 file, 0.0 MB"]
    assert push_missing(device, [file], answer.append) == ()
    assert len(answer) == 1


def test_a_changed_file_is_pushed_again(tmp_path: Path) -> None:
    device = device_in(tmp_path / "device", LocalTransport())
    file = file_of(tmp_path, b"content", "a")
    push_missing(device, [file], lambda _: None)
    Path(file.destination).write_bytes(b"other")
    assert push_missing(device, [file], lambda _: None) == (file,)
    assert Path(file.destination).read_bytes() == b"content"


def test_a_damaged_transfer_is_repeated(tmp_path: Path) -> None:
    transport = DamagingTransport(times=1)
    file = file_of(tmp_path, b"content", "a")
    push_missing(device_in(tmp_path / "device", transport), [file], lambda _: None)
    assert len(transport.pushed) == 2
    assert Path(file.destination).read_bytes() == b"content"


def test_a_transfer_damaged_every_time_is_an_error(tmp_path: Path) -> None:
    file = file_of(tmp_path, b"content", "a")
    with pytest.raises(TransferFailed, match="damaged 3 times"):
        push_missing(device_in(tmp_path / "device", DamagingTransport(times=3)), [file], lambda _: None)


def test_a_full_device_is_refused_before_anything_is_pushed(tmp_path: Path) -> None:
    transport = DamagingTransport(times=0)
    file = file_of(tmp_path, b"content", "a")
    with pytest.raises(DeviceUnfit, match=r"1 MB free, 17 MB are needed"):
        push_missing(device_in(tmp_path / "device", transport, free_bytes=1_000_000), [file], lambda _: None)
    assert transport.pushed == []


@pytest.mark.parametrize("name", ["a:b", "a;b", "a$LIB", "a${ORIGIN}b"])
def test_a_folder_that_means_something_to_the_loader_is_refused(tmp_path: Path, name: str) -> None:
    bundle = Bundle("x86_64", tmp_path, "ld.so", "a" * 64, ())
    with pytest.raises(DeviceUnfit, match="loader's list of library folders") as refused:
        deploy_bundle(device_in(tmp_path / name, LocalTransport()), bundle, lambda _: None)
    assert "HARNESS_CACHE" in refused.value.hint
