"""Which of its devices a host offers to a lab, and under which names."""

import dataclasses
import re
from collections.abc import Sequence

from harness.devices import inventory
from harness.devices.devices_toml import configured
from harness.devices.identity import setup_of
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def offered_devices(texts: Sequence[str]) -> tuple[Target, ...]:
    """The devices of `--device`; without any, those of `devices.toml` and those attached by ADB.

    A text is a device as `harness run --device` takes it, or `NAME=DEVICE`: then the lab knows it as NAME.

    Raises:
        UsageError, DeviceUnfit: a name that fits none or several, is malformed or given twice; or two names
            mean one device.
    """
    if texts:
        targets = tuple(target for text in texts for target in _named(text))
    else:
        targets = (*configured(), *inventory.attached_targets())
    for target in targets:
        KINDS[target.kind].refuse_unusable(target)
    for number, target in enumerate(targets):
        _refuse_again(target, targets[:number])
        if target.name in {other.name for other in targets[:number]}:
            raise UsageError(
                f"two devices would have the name {target.name}",
                hint=f"name them apart: --device {target.name}-2={target.name}",
                device=target.name,
            )
    return targets


def _named(text: str) -> tuple[Target, ...]:
    name, equals, device = text.partition("=")
    if not equals:
        return inventory.resolve([text])
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} in --device {text} is not a name: letters, digits, dots, dashes, 64 at most",
            hint="for example --device pi-left=ssh:pi@192.168.1.20",
        )
    found = inventory.resolve([device])
    if len(found) != 1:
        raise UsageError(f"--device {text} names {len(found)} devices", hint="name each of them")
    return (dataclasses.replace(found[0], name=name),)


def _refuse_again(target: Target, others: Sequence[Target]) -> None:
    """A device of two names would be given two jobs at once; emulated ones are started for each."""
    if KINDS[target.kind].runs_on_host:
        return
    for same in others:
        if setup_of(same) == setup_of(target):
            names = target.name if same.name == target.name else f"{same.name} and {target.name}"
            raise UsageError(
                f"--device offers one device twice: {names}",
                hint="leave out one of the two",
                device=target.name,
            )
