"""Which devices there are: built in, in `devices.toml`, and attached."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from harness.devices.cores import CLUSTER_NAMES, names_cores
from harness.devices.target import Libc, Target
from harness.errors import DeviceUnfit, UsageError
from harness.system.paths import config_folder
from harness.system.text import printable
from harness.transports.adb import AttachedDevice, adb_available, list_devices
from harness.transports.usb_link import list_usb_devices

FILE_NAME = "devices.toml"
EXAMPLE = Path(__file__).with_name("example.toml")

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
USB = re.compile(r"usb(:|$)")
# No leading dash: an address must never be read as an option. Nothing that a shell would expand: ssh puts
# host names into a ProxyCommand as they are (CVE-2023-51385).
ADDRESS_PATTERN = r"""^[A-Za-z0-9\[][^\x00-\x20\x7f$`;&|<>(){}*?!'"\\]{0,254}$"""
Address = Annotated[str, Meta(pattern=ADDRESS_PATTERN)]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[devices.NAME]` table."""

    kind: Literal["android", "raspberry_pi"]
    address: Address
    transport: Literal["adb", "adb-direct", "ssh"] | None = None
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    # The runner's loader takes a list of folders, separated by colons or semicolons.
    folder: Annotated[str, Meta(pattern=r"^/[^\x00-\x1f\x7f:;]*$")] = ""
    launcher: tuple[str, ...] = ()
    libc: Libc = "bundled"
    cores: str = ""
    tags: tuple[Name, ...] = ()


BUILT_IN = {
    "host": Target(name="host", kind="host", transport="local"),
    "emulator": Target(name="emulator", kind="emulator", transport="local"),
    "arm-vm": Target(name="arm-vm", kind="arm_vm", transport="adb-direct"),
}


def read_inventory(path: Path) -> tuple[Target, ...]:
    """The devices a file names; no file, no devices.

    Raises:
        UsageError: it is not valid TOML, or an entry is wrong; the message says where.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    devices = tables.pop("devices", {})
    if tables or not isinstance(devices, dict):
        wrong = next(iter(tables), "devices")
        raise UsageError(f"{path}: {wrong!r} is no table [devices.NAME]{_line_of(wrong, text)}", hint=_MEND)
    return tuple(_target(name, _entry(name, table, path, text), path) for name, table in devices.items())


_MEND = "`harness devices --example` prints a valid file"


def _entry(name: str, table: object, path: Path, text: str) -> Entry:
    """One device's table, checked; an error tells its line."""
    try:
        msgspec.convert(name, Name)
        return msgspec.convert(table, Entry)
    except msgspec.ValidationError as error:
        found = re.search(r"at `\$\.([a-z_]+)|unknown field `([^`]*)`", str(error))
        key = (found[1] or found[2]) if found else ""
        where = _line_of(name, text, key)
        raise UsageError(f"{path}: device {name!r}: {error}{where}", hint=_MEND) from error


def _line_of(name: str, text: str, key: str = "") -> str:
    """Where a table or value of this name is, or the key in that table if it has it."""
    found, inside = 0, False
    for number, line in enumerate(text.splitlines(), 1):
        is_header = line.lstrip().startswith("[")
        word = line.partition("=")[0].strip(" \t\"'")
        if is_header:
            inside = name in re.split(r"""[\[\].\s"']+""", line)
        if (inside and is_header) or word == name:
            found = found or number
        if inside and key and word == key:
            found = number
            break
    return f" (line {found})" if found else ""


def _target(name: str, entry: Entry, path: Path) -> Target:
    if entry.libc == "system" and entry.kind != "raspberry_pi":
        raise UsageError(
            f"{path}: device {name!r} of kind {entry.kind!r} has no glibc of its own",
            hint='leave libc = "system" to raspberry_pi',
        )
    over_usb = USB.match(entry.address)
    transport = entry.transport or (
        "ssh" if entry.kind == "raspberry_pi" else "adb-direct" if over_usb else "adb"
    )
    if (transport == "ssh") != (entry.kind == "raspberry_pi"):
        raise UsageError(
            f"{path}: device {name!r} of kind {entry.kind!r} cannot be reached by {transport!r}",
            hint="raspberry_pi goes with ssh; android with adb or adb-direct",
        )
    if over_usb and transport != "adb-direct":
        raise UsageError(
            f"{path}: device {name!r} cannot be reached by {transport!r} as {entry.address!r}",
            hint='usb:SERIAL goes with transport = "adb-direct"; Google\'s adb takes the serial alone',
        )
    if entry.cores and not names_cores(entry.cores):
        names = ", ".join(CLUSTER_NAMES)
        raise UsageError(
            f"{path}: device {name!r}: {entry.cores!r} is no list of cores and none of {names}",
            hint='for example cores = "4-7"',
        )
    if name.lower() in BUILT_IN:
        raise UsageError(f"{path}: {name!r} is the name of a built-in device", hint="choose another name")
    return Target(
        name=name,
        kind=entry.kind,
        transport=transport,
        address=entry.address,
        folder=entry.folder,
        launcher=entry.launcher,
        libc=entry.libc,
        cores=entry.cores,
        port=entry.port,
        tags=entry.tags,
    )


def configured() -> tuple[Target, ...]:
    """All devices of `devices.toml`, the one here before the user's."""
    found: dict[str, Target] = {}
    for folder in (Path.cwd(), config_folder()):
        for target in read_inventory(folder / FILE_NAME):
            found.setdefault(target.name, target)
    return tuple(found.values())


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
    found = [(_android(d.model or d.serial, d), d.state) for d in present]
    lines = [Listed(t.name, t.kind, t.transport, t.address, state) for t, state in found]
    lines += [
        Listed(t.name, t.kind, t.transport, t.address, states.get(t.address, "configured"), t.tags)
        for t in configured()
    ]
    lines += [Listed(t.name, t.kind, t.transport, t.address, "built in") for t in BUILT_IN.values()]
    return tuple(lines)


def attached() -> tuple[AttachedDevice, ...]:
    """What Google's adb sees now; when it is not installed, what offers ADB over USB.

    Models are made safe to show; a serial is needed as it is, so a device with a hostile one is left out.
    """
    return tuple(
        replace(device, model=printable(device.model) if device.model else None)
        for device in (list_devices() if adb_available() else list_usb_devices())
        if printable(device.serial) == device.serial
    )


def resolve(names: Sequence[str]) -> tuple[Target, ...]:
    """Find each named device; with no name, the one attached.

    Raises:
        UsageError: a name fits nothing or is malformed.
        DeviceUnfit: a name fits several devices, or none is named and not exactly one is attached.
    """
    known = configured()
    if not names:
        return (_only_attached(known),)
    targets = [target for name in names for target in _find(name, known)]
    return tuple({target.name: target for target in targets}.values())


def _find(name: str, known: tuple[Target, ...]) -> tuple[Target, ...]:
    if not name or name.startswith("-") or re.search(r"[\x00-\x1f\x7f]", name):
        raise UsageError(f"{name!r} is not a device name", hint="`harness devices` lists them")
    by_name = {target.name: target for target in known}
    if name in by_name:
        return (by_name[name],)
    if name == "all" or name.startswith("tag:"):
        return _tagged(name, known)
    if target := _built_in(name):
        return (target,)
    if name.startswith("ssh:"):
        return (_ssh(name),)
    return (_attached(name, known),)


def _tagged(name: str, known: tuple[Target, ...]) -> tuple[Target, ...]:
    tag = name.removeprefix("tag:")
    chosen = tuple(target for target in known if name == "all" or tag in target.tags)
    if not chosen:
        raise UsageError(
            f"no device in {FILE_NAME} " + ("to take all of" if name == "all" else f"has the tag {tag!r}"),
            hint=_what_there_is(known, ()),
        )
    return chosen


def _built_in(name: str) -> Target | None:
    kind, _, option = name.partition(":")
    target = BUILT_IN.get(kind)
    if target is None or not option:
        return target
    if kind == "emulator":
        return Target(name=name, kind="emulator", transport="local", address=option)
    if kind == "arm-vm" and option in ("adb", "adb-direct", "ssh"):
        return Target(name=name, kind="arm_vm", transport=option)
    raise UsageError(
        f"{kind!r} takes no {option!r}", hint="emulator:CORE, arm-vm:adb, arm-vm:adb-direct, arm-vm:ssh"
    )


def _ssh(name: str) -> Target:
    address = name.removeprefix("ssh:")
    if not re.fullmatch(ADDRESS_PATTERN, address):
        raise UsageError(f"{address!r} is not an SSH destination", hint="for example ssh:pi@raspberrypi")
    return Target(name=name, kind="raspberry_pi", transport="ssh", address=address)


def _attached(name: str, known: tuple[Target, ...]) -> Target:
    if USB.match(name):
        return Target(name=name, kind="android", transport="adb-direct", address=name)
    if (address := re.fullmatch(r"[A-Za-z0-9.\[\]:_-]+:([0-9]{1,5})", name)) and 0 < int(address[1]) < 65536:
        return Target(name=name, kind="android", transport="adb-direct", address=name)
    present = attached()
    exact = [device for device in present if device.serial == name]
    wanted = name.lower().replace(" ", "_")
    fitting = exact or [device for device in present if wanted in (device.model or "").lower()]
    if not fitting:
        raise DeviceUnfit(f"there is no device {name!r}", hint=_what_there_is(known, present))
    if len(fitting) > 1:
        serials = ", ".join(f"{device.serial} ({device.model})" for device in fitting)
        raise DeviceUnfit(f"{name!r} fits {len(fitting)} devices: {serials}", hint="name one by its serial")
    return _android(name, fitting[0])


def _only_attached(known: tuple[Target, ...]) -> Target:
    present = attached()
    if len(present) != 1:
        what = "no device is attached" if not present else f"{len(present)} devices are attached"
        raise DeviceUnfit(f"no --device was named and {what}", hint=_what_there_is(known, present))
    device = present[0]
    return _android(device.model or device.serial, device)


def _android(name: str, device: AttachedDevice) -> Target:
    transport = "adb-direct" if USB.match(device.serial) else "adb"
    return Target(name=name, kind="android", transport=transport, address=device.serial)


def _what_there_is(known: tuple[Target, ...], present: tuple[AttachedDevice, ...]) -> str:
    groups = (
        ("attached", [f"{device.serial} ({device.model or device.state})" for device in present]),
        (FILE_NAME, [target.name for target in known]),
        ("built in", [*BUILT_IN, "emulator:cortex-a53", "arm-vm:ssh"]),
    )
    listed = "; ".join(f"{title}: {', '.join(names)}" for title, names in groups if names)
    return f"choose --device from {listed}"
