"""The devices that a run names: found, and refused where they cannot be used."""

from collections.abc import Sequence

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


def refuse_rates(request: RunRequest, targets: Sequence[Target]) -> None:
    """Raise UsageError for a rate on a device whose seconds are not its own."""
    for target in targets:
        if request.rates_hz and KINDS[target.kind].clock == "emulated":
            raise UsageError(
                f"--rate needs a device's own time, and that of {target.name} is this machine's",
                hint="measure it on a real device, or leave out --rate",
                device=target.name,
            )
