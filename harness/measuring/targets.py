"""The devices that a run names: found, and refused where they cannot be used."""

from collections.abc import Iterable, Sequence

from harness.analysis.budget import Budget, limited
from harness.analysis.published import published_accuracy
from harness.devices import inventory
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import UsageError
from harness.records import RunRequest, Variant
from harness.records.progress import Log


def resolve_devices(names: Sequence[str], log: Log = lambda _: None) -> tuple[Target, ...]:
    """Find the named devices and check what can be checked without touching them; logs names of one device.

    Raises:
        UsageError, DeviceUnfit: a name that fits none or several, or a device that cannot be used.
    """
    targets = inventory.resolve(names, log)
    for target in targets:
        KINDS[target.kind].refuse_unusable(target)
    return targets


def refuse_without_real_time(request: RunRequest, targets: Iterable[Target]) -> None:
    """Refuse to time what only a device's own clock can.

    Raises:
        UsageError: a device is emulated in user mode, where times and the page cache are this machine's.
    """
    for target in targets:
        if KINDS[target.kind].clock == "virtual" and request.energy:
            raise UsageError(
                f"--energy cannot be measured on {target.name}: no meter has its virtual clock",
                hint="measure it on a real device, or leave out --energy",
                device=target.name,
            )
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
        if request.energy:
            raise UsageError(
                f"--energy cannot be measured on {target.name}: its instructions are not the device's",
                hint="measure it on a real device, or leave out --energy",
                device=target.name,
            )
        if request.cold:
            raise UsageError(
                f"--cold cannot be measured on {target.name}: its times are those of an emulator",
                hint="leave --cold out, or use a real device; arm-vm tries it out",
                device=target.name,
            )


def refuse_unanswerable(
    budget: Budget, request: RunRequest, variants: Iterable[Variant], targets: Sequence[Target]
) -> None:
    """Refuse a budget that no cell of the run could have a figure for, before anything is measured.

    Raises:
        UsageError: a time is limited and no device has a clock of its own; or an accuracy, and none will be
            measured and none is published.
    """
    timed = next((quantity for quantity in limited(budget) if quantity.is_time), None)
    if timed and all(KINDS[target.kind].clock != "real" for target in targets):
        first = targets[0]
        raise UsageError(
            f"{timed.option} limits a time, and the clock of {first.name} is {KINDS[first.kind].clock}",
            hint="limit instructions instead (--max-instructions 60M), or measure on a real device",
            device=first.name,
        )
    measured = request.accuracy_dataset is not None
    if budget.min_accuracy is not None and not measured and not any(map(published_accuracy, variants)):
        raise UsageError(
            "--min-accuracy needs an accuracy, and of these variants none is measured or published",
            hint="measure it with --weights and --accuracy, or leave out --min-accuracy",
        )
