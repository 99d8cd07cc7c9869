"""The order of the checks: this machine, then whether the device can be reached, then the device."""

from collections.abc import Callable, Iterator

from harness.devices.acquire import acquire
from harness.devices.android import attached, check_state
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import DeviceUnfit, HarnessError
from harness.measuring.doctor.device import examine_device
from harness.measuring.doctor.diagnosis import Diagnosis
from harness.measuring.doctor.host import SUBJECT, examine_host


def examine(target: Target | None, log: Callable[[str], None]) -> tuple[Diagnosis, ...]:
    """Check this machine, and the device if one is named."""
    host = examine_host(target)
    if target is None:
        return (*host, *_examine_attached())
    try:
        KINDS[target.kind].refuse_unusable(target)
        with acquire(target, log, lock_device=False) as device:
            return (
                *host,
                Diagnosis(target.name, "reachable", "ok", _reached(target)),
                *examine_device(device),
            )
    except HarnessError as error:
        return (*host, Diagnosis(target.name, "usable", "unfit", error.what, error.hint))


def _examine_attached() -> Iterator[Diagnosis]:
    """The devices that adb lists, and those among them that cannot be used."""
    try:
        listed = attached()
    except HarnessError as error:
        yield Diagnosis(SUBJECT, "attached devices", "unfit", error.what, error.hint)
        return
    for device in listed:
        try:
            check_state(device)
            yield Diagnosis(device.serial, "reachable", "ok", f"{device.model or 'unnamed'}, by adb")
        except DeviceUnfit as error:
            yield Diagnosis(device.serial, "reachable", "unfit", error.what, error.hint)


def _reached(target: Target) -> str:
    return f"by {target.transport}" + (f" at {target.address}" if target.address else "")
