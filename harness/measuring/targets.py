"""The devices that a run names: found, and refused where they cannot be used."""

from collections.abc import Iterable, Sequence

from harness.devices import inventory
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import UsageError
from harness.records import RunRequest


def resolve_devices(names: Sequence[str]) -> tuple[Target, ...]:
    """Find the named devices and check what can be checked without touching them.

    Raises:
        UsageError, DeviceUnfit: a name that fits none or several, or a device that cannot be used.
    """
    targets = inventory.resolve(names)
    for target in targets:
        KINDS[target.kind].check(target)
    return targets


def refuse_without_real_time(request: RunRequest, targets: Iterable[Target]) -> None:
    """Refuse to time what only a device's own clock can.

    Raises:
        UsageError: a device is emulated in user mode, where times and the page cache are this machine's.
    """
    for target in targets:
        if KINDS[target.kind].clock != "emulated":
            continue
        if request.rates_hz:
            raise UsageError(
                f"--rate needs a device's own time, and that of {target.name} is this machine's",
                hint="measure it on a real device, or leave out --rate",
                device=target.name,
            )
        if request.sustain_seconds:
            raise UsageError(
                f"--sustain cannot be measured on {target.name}: its times are those of an emulator",
                hint="measure it on a real device, or leave out --sustain",
                device=target.name,
            )
        if request.cold:
            raise UsageError(
                f"--cold cannot be measured on {target.name}: its times are those of an emulator",
                hint="leave --cold out, or use a real device; arm-vm tries it out",
                device=target.name,
            )
