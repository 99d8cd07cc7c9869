"""Which devices there are (built in, configured, attached), and which one a name means."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from harness.devices.android import attached, parse_address, target_of
from harness.devices.devices_toml import FILE_NAME, configured
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import DeviceUnfit, UsageError
from harness.transports.adb import AttachedDevice

SERIAL_VARIABLE = "ANDROID_SERIAL"
# In a hint: names of one group, and how alike a name is to one that may be meant, from 0 to 1.
LISTED_NAMES = 5
CLOSE = 0.7


@dataclass(frozen=True)
class Listed:
    """A line of `harness devices`."""

    name: str
    kind: str
    transport: str
    address: str
    state: str
    tags: tuple[str, ...] = ()


def list_known() -> tuple[Listed, ...]:
    """Attached devices, then the configured ones, then the built-in ones."""
    present = attached()
    states = {device.serial: device.state for device in present}
    found = [(target_of(device), device.state) for device in present]
    found += [(target, states.get(target.address, "configured")) for target in configured()]
    found += [(target, "built in") for target in _built_in().values()]
    return tuple(Listed(t.name, t.kind, t.transport, t.address, state, t.tags) for t, state in found)


def resolve(names: Sequence[str]) -> tuple[Target, ...]:
    """Find each named device; with no name, the one of `ANDROID_SERIAL`, else the only one attached.

    Raises:
        UsageError: a name fits nothing or is malformed.
        DeviceUnfit: a name fits several devices; or none is named, and the device of `ANDROID_SERIAL` is not
            attached, or the number of attached devices is not one.
    """
    known = configured()
    if not names:
        return (_unnamed(known),)
    targets = [target for name in names for target in _find(name, known)]
    return tuple({target.name: target for target in targets}.values())


def _built_in() -> dict[str, Target]:
    return {kind.built_in.name: kind.built_in for kind in KINDS.values() if kind.built_in}


def _find(name: str, known: tuple[Target, ...]) -> tuple[Target, ...]:
    if not name or name.startswith("-") or re.search(r"[\x00-\x1f\x7f]", name):
        raise UsageError(f"{name!r} is not a device name", hint="`harness devices` lists them")
    by_name = {target.name: target for target in known} | _built_in()
    if name in by_name:
        return (by_name[name],)
    if name == "all" or name.startswith("tag:"):
        return _tagged(name, known)
    return (_parsed(name) or _attached(name, known),)


def _tagged(name: str, known: tuple[Target, ...]) -> tuple[Target, ...]:
    tag = name.removeprefix("tag:")
    chosen = tuple(target for target in known if name == "all" or tag in target.tags)
    if not chosen:
        what = f"{FILE_NAME} configures no device" + ("" if name == "all" else f" with the tag {tag!r}")
        raise UsageError(what, hint=_choices(known, ()))
    return chosen


def _parsed(name: str) -> Target | None:
    """The device whose name holds all there is to know, such as `emulator:cortex-a53` or `ssh:pi@board`."""
    first, _, option = name.partition(":")
    for kind in KINDS.values():
        if kind.built_in and kind.built_in.name == first:
            if target := kind.parse(name):
                return target
            forms = ", ".join(kind.name_forms) or first
            raise UsageError(f"{first!r} takes no {option!r}", hint=f"choose from: {forms}")
    return next((target for kind in KINDS.values() if (target := kind.parse(name))), None)


def _attached(name: str, known: tuple[Target, ...]) -> Target:
    present = attached()
    with_serial = [device for device in present if device.serial == name]
    wanted = name.lower().replace(" ", "_")
    fitting = with_serial or [device for device in present if wanted in (device.model or "").lower()]
    if not fitting:
        raise DeviceUnfit(f"there is no device {name!r}", hint=_choices(known, present, name), device=name)
    if len(fitting) > 1:
        serials = _some([f"{device.serial} ({device.model})" for device in fitting])
        raise DeviceUnfit(f"{name!r} fits {len(fitting)} devices: {serials}", hint="name one by its serial")
    return target_of(fitting[0], name)


def _unnamed(known: tuple[Target, ...]) -> Target:
    present = attached()
    if serial := os.environ.get(SERIAL_VARIABLE):
        # Without Google's adb, a device on USB has the address `usb:SERIAL`.
        wanted = [device for device in present if device.serial in (serial, f"usb:{serial}")]
        if target := target_of(wanted[0]) if wanted else parse_address(serial):
            return target
        raise DeviceUnfit(
            f"{SERIAL_VARIABLE} names the device {serial!r}, which is not attached",
            hint=f"attach it or unset {SERIAL_VARIABLE}; or {_choices(known, present)}",
        )
    if len(present) != 1:
        what = "no device is attached" if not present else f"{len(present)} devices are attached"
        raise DeviceUnfit(f"no --device was named and {what}", hint=_choices(known, present))
    return target_of(present[0])


def _choices(known: tuple[Target, ...], present: tuple[AttachedDevice, ...], name: str = "") -> str:
    groups = {
        "attached": [f"{device.serial} ({device.model or device.state})" for device in present],
        FILE_NAME: [target.name for target in known],
        "built in": list(_built_in()),
    }
    names = [one for device in present for one in (device.serial, device.model) if one]
    names += [*groups[FILE_NAME], *groups["built in"]]
    names += [form for kind in KINDS.values() for form in kind.name_forms]
    return choose_device(name, names, groups, "`harness devices`")


def choose_device(name: str, names: Sequence[str], groups: Mapping[str, Sequence[str]], command: str) -> str:
    """A hint for a wrong name: the closest of `names`, else some of each group; `command` lists all."""
    if close := _closest(name, names):
        return f"did you mean {' or '.join(close)}? {command} lists the devices"
    listed = "; ".join(f"{title}: {_some(members)}" for title, members in groups.items() if members)
    return f"choose --device from {listed or 'none'}; {command} lists them"


def _closest(name: str, names: Iterable[str]) -> tuple[str, ...]:
    by_lower = {one.lower(): one for one in names}
    return tuple(by_lower[one] for one in get_close_matches(name.lower(), by_lower, n=2, cutoff=CLOSE))


def _some(names: Sequence[str]) -> str:
    more = len(names) - LISTED_NAMES
    return ", ".join(names[:LISTED_NAMES]) + (f" and {more} more" if more > 0 else "")
