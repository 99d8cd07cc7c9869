"""Which devices there are (built in, configured, attached), and which one a name means.

Whatever name was typed, a device has one name of its own: that of `devices.toml`, else its model, else, where
others have that name as well, its serial.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from harness.devices.android import attached, parse_address, target_of
from harness.devices.devices_toml import FILE_NAME, configured
from harness.devices.identity import address_of, is_group, without_duplicates
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
    """Other attached devices, the configured ones, then the built-in ones; each once."""
    present, known = attached(), configured()
    states = {address_of(target_of(device)): device.state for device in present}
    found = [(target, states[address_of(target)]) for target in _unconfigured(present, known)]
    found += [(target, states.get(address_of(target), "configured")) for target in known]
    found += [(target, "built in") for target in _built_in().values()]
    return tuple(Listed(t.name, t.kind, t.transport, t.address, state, t.tags) for t, state in found)


def resolve(names: Sequence[str], log: Callable[[str], None] = lambda _: None) -> tuple[Target, ...]:
    """Find each named device; with no name, the one of `ANDROID_SERIAL`, else the only one attached.

    A device of several names is found once, and logged with them.

    Raises:
        UsageError: a name fits nothing or is malformed.
        DeviceUnfit: a name fits several devices; or none is named, and the device of `ANDROID_SERIAL` is not
            attached, or the number of attached devices is not one.
    """
    known = configured()
    if not names:
        return (_unnamed(known),)
    found = ((name, target) for name in names for target in _find(name, known))
    return without_duplicates(((t.name if is_group(name) else name, t) for name, t in found), log)


def attached_targets() -> tuple[Target, ...]:
    """The attached devices that `devices.toml` does not configure, each by its own name."""
    return _unconfigured(attached(), configured())


def _unconfigured(present: tuple[AttachedDevice, ...], known: tuple[Target, ...]) -> tuple[Target, ...]:
    addresses = {address_of(target) for target in known}
    targets = (_target_of(device, present, known) for device in present)
    return tuple(target for target in targets if address_of(target) not in addresses)


def _built_in() -> dict[str, Target]:
    return {kind.built_in.name: kind.built_in for kind in KINDS.values() if kind.built_in}


def _find(name: str, known: tuple[Target, ...]) -> tuple[Target, ...]:
    if not name or name.startswith("-") or re.search(r"[\x00-\x1f\x7f]", name):
        raise UsageError(f"{name!r} is not a device name", hint="`harness devices` lists them")
    by_name = {target.name: target for target in known} | _built_in()
    if name in by_name:
        return (by_name[name],)
    if is_group(name):
        return _tagged(name, known)
    parsed = _parsed(name)
    return (_configured_as(parsed, known) if parsed else _attached(name, known),)


def _configured_as(target: Target, known: tuple[Target, ...]) -> Target:
    """The one device of `devices.toml` that has the target's address; else the target itself."""
    same = [one for one in known if address_of(one) == address_of(target)]
    return same[0] if len(same) == 1 else target


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
    models = [(device, (device.model or "").lower()) for device in present]
    fitting = (
        with_serial
        or [device for device, model in models if model == wanted]
        or [device for device, model in models if wanted in model]
    )
    if not fitting:
        raise DeviceUnfit(f"there is no device {name!r}", hint=_choices(known, present, name), device=name)
    if len(fitting) > 1:
        serials = _some([f"{device.serial} ({device.model})" for device in fitting])
        raise DeviceUnfit(f"{name!r} fits {len(fitting)} devices: {serials}", hint="name one by its serial")
    return _target_of(fitting[0], present, known)


def _target_of(
    device: AttachedDevice, present: tuple[AttachedDevice, ...], known: tuple[Target, ...]
) -> Target:
    """An attached device as it is configured, else by its model, else by its serial."""
    found = _configured_as(target_of(device), known)
    taken = {one.name for one in known if one != found} | set(_built_in())
    alike = [one for one in present if one.model == device.model]
    if found in known or (found.name not in taken and len(alike) == 1):
        return found
    return replace(found, name=device.serial)


def _unnamed(known: tuple[Target, ...]) -> Target:
    present = attached()
    if serial := os.environ.get(SERIAL_VARIABLE):
        # Without Google's adb, a device on USB has the address `usb:SERIAL`.
        wanted = [device for device in present if device.serial in (serial, f"usb:{serial}")]
        if wanted:
            return _target_of(wanted[0], present, known)
        if target := parse_address(serial):
            return _configured_as(target, known)
        raise DeviceUnfit(
            f"{SERIAL_VARIABLE} names the device {serial!r}, which is not attached",
            hint=f"attach it or unset {SERIAL_VARIABLE}; or {_choices(known, present)}",
        )
    if len(present) != 1:
        what = "no device is attached" if not present else f"{len(present)} devices are attached"
        raise DeviceUnfit(f"no --device was named and {what}", hint=_choices(known, present))
    return _target_of(present[0], present, known)


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
