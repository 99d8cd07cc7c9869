"""A made-up kind of device, in one file as every kind is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.devices.device import Device, describe
from harness.devices.device_kind import Check, DeviceKind, Program
from harness.devices.target import Target
from harness.errors import DeviceUnfit
from harness.transports.local import LocalTransport

SLOTS = ("left", "right")


def parse_name(name: str) -> Target | None:
    toaster, _, slot = name.partition(":")
    return Target(name, "toaster", "local", slot) if toaster == "toaster" and slot in SLOTS else None


def check_slot(target: Target) -> None:
    if target.address == "right":
        raise DeviceUnfit("the right slot is jammed", device=target.name)


@contextmanager
def open_toaster(target: Target, log: Callable[[str], None]) -> Iterator[Device]:
    log("heating")
    folder = target.folder or "/tmp"
    transport = LocalTransport()
    info, free_bytes = describe(transport, name=target.name, kind="toaster", folder=folder)
    yield Device(info, transport, folder, LocalTransport, free_bytes=free_bytes)


def examine_crumbs(device: Device) -> Iterator[Check]:
    yield ("crumbs", "advice", "the tray is full", "empty the tray")


TOASTER = DeviceKind(
    name="toaster",
    runs_on_host=True,
    open=open_toaster,
    check=check_slot,
    built_in=Target("toaster", "toaster", "local"),
    parse=parse_name,
    name_forms=("toaster:left", "toaster:right"),
    transports=("local",),
    aliases=("bread_toaster",),
    programs=(Program("toastd", "toast-tools", "toasters need"),),
    examine=examine_crumbs,
)
