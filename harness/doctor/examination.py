"""The order of an examination: this machine, then the device, then what runs on it."""

from collections.abc import Callable

from harness.devices.kinds import check_target, open_device
from harness.devices.target import Target
from harness.doctor.device import examine_device
from harness.doctor.diagnosis import Diagnosis
from harness.doctor.host import examine_host
from harness.errors import HarnessError
from harness.locks import hold_device


def examine(target: Target | None, tell: Callable[[str], None]) -> tuple[Diagnosis, ...]:
    """Examine this machine, and the device if one is named."""
    host = examine_host(target)
    if target is None:
        return host
    try:
        check_target(target)
        with hold_device(target, tell), open_device(target, tell) as device:
            return (
                *host,
                Diagnosis(target.name, "reachable", "ok", _reached(target)),
                *examine_device(device),
            )
    except HarnessError as error:
        return (*host, Diagnosis(target.name, "usable", "unfit", error.what, error.mend))


def _reached(target: Target) -> str:
    return f"by {target.transport}" + (f" at {target.address}" if target.address else "")
