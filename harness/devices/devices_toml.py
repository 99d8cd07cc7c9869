"""The devices that `devices.toml` configures."""

import re
import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from harness.analysis.clusters import CLUSTER_NAMES, names_cores
from harness.devices.device_kind import DeviceKind
from harness.devices.kinds import KINDS
from harness.devices.target import ADDRESS_PATTERN, USB, Libc, Target
from harness.errors import UsageError
from harness.system.files import read_regular_file
from harness.system.paths import config_folder

FILE_NAME = "devices.toml"
MAX_FILE_BYTES = 2**20
EXAMPLE = Path(__file__).with_name("example.toml")

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]
Address = Annotated[str, Meta(pattern=ADDRESS_PATTERN)]

# tomllib takes time and memory with the square of a key's parts: 3 s and 1.6 GB for 20,000.
_MANY_PARTS = re.compile(r"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){32}""")
_HINT = "`harness devices --example` prints a valid file"
# What is wrong with a text whose pattern does not fit, by its key; empty: the device's name.
_NAME = "letters, digits, '.', '_' and '-', and begins with a letter or digit"
_FORMS = {
    "": f"a device's name consists of at most 64 {_NAME}",
    "tags": f"a tag consists of at most 64 {_NAME}",
    "address": "this address is none that adb or ssh takes",
    "folder": "folder must be an absolute path without ':' and ';'",
}


# A right value of each key.
_EXAMPLES = {
    "kind": 'kind = "android"',
    "address": 'address = "pi@192.168.1.20"',
    "transport": 'transport = "adb"',
    "port": "port = 22",
    "folder": 'folder = "/opt/harness"',
    "launcher": 'launcher = ["taskset", "f0"]',
    "libc": 'libc = "bundled"; the other is "system"',
    "cores": 'cores = "4-7"',
    "tags": 'tags = ["pi"]',
}


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[devices.NAME]` table."""

    kind: str
    address: Address
    transport: str | None = None
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    # The runner's loader takes a list of folders, separated by colons or semicolons.
    folder: Annotated[str, Meta(pattern=r"^/[^\x00-\x1f\x7f:;]*\Z")] = ""
    launcher: tuple[str, ...] = ()
    libc: Libc = "bundled"
    cores: str = ""
    tags: tuple[Name, ...] = ()


def configured() -> tuple[Target, ...]:
    """All configured devices; the file in the working folder takes precedence over the user's."""
    found: dict[str, Target] = {}
    for folder in (Path.cwd(), config_folder()):
        for target in read_inventory(folder / FILE_NAME):
            found.setdefault(target.name, target)
    return tuple(found.values())


def read_inventory(path: Path) -> tuple[Target, ...]:
    """The devices a file configures; none when there is no file.

    Raises:
        UsageError: the file is not valid TOML, or an entry is wrong; the message names the line.
    """
    try:
        # Editors on Windows put a byte order mark before UTF-8.
        text = read_regular_file(path, MAX_FILE_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        if path.is_symlink():
            raise UsageError(
                f"{path} is a link to a file that is not there", hint="correct or remove it"
            ) from None
        return ()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text: {error}", hint="save the file as UTF-8") from error
    if many := _MANY_PARTS.search(text):
        line = text.count("\n", 0, many.start()) + 1
        raise UsageError(f"{path}, line {line}, has a name of more than 32 parts", hint=_HINT)
    try:
        tables = tomllib.loads(text)
    # Besides its own error: integers of too many digits (ValueError), and nesting without end.
    except (ValueError, RecursionError) as error:
        why = "its values are nested too deeply" if isinstance(error, RecursionError) else error
        raise UsageError(f"{path} is not valid TOML: {why}", hint=_HINT) from error
    devices = tables.pop("devices", {})
    if tables or not isinstance(devices, dict):
        wrong = next(iter(tables), "devices")
        raise UsageError(
            f"{path}: {wrong!r} is not a table [devices.NAME]{_line_of(wrong, text)}", hint=_HINT
        )
    return tuple(_target(name, table, path, text) for name, table in devices.items())


def _target(name: str, table: object, path: Path, text: str) -> Target:
    """One device's table, checked."""
    try:
        entry = _decode(name, table)
        kind = _kind(entry)
        transport = _transport(entry, kind)
        _check_options(name, entry, kind)
    except _WrongEntry as error:
        where = _line_of(name, text, error.key)
        raise UsageError(f"{path}: device {name!r}: {error.what}{where}", hint=error.hint) from error
    return Target(
        name=name,
        kind=kind.name,
        transport=transport,
        address=entry.address,
        folder=entry.folder,
        launcher=entry.launcher,
        libc=entry.libc,
        cores=entry.cores,
        port=entry.port,
        tags=entry.tags,
    )


class _WrongEntry(Exception):
    """What is wrong with an entry, a hint, and the key that is wrong (empty: the entry itself)."""

    def __init__(self, what: str, hint: str, key: str = "") -> None:
        super().__init__(what)
        self.what, self.hint, self.key = what, hint, key


def _decode(name: str, table: object) -> Entry:
    try:
        msgspec.convert(name, Name)
        return msgspec.convert(table, Entry)
    except msgspec.ValidationError as error:
        found = re.search(r"at `\$\.([a-z_]+)|unknown field `([^`]*)`", str(error))
        key = (found[1] or found[2]) if found else ""
        if "matching regex" in str(error):
            hint = f"for example {_EXAMPLES[key]}" if key else "choose another name"
            raise _WrongEntry(_FORMS[key], hint, key) from error
        if found and found[2]:
            keys = ", ".join(Entry.__struct_fields__)
            hint = 'write address = "SERIAL"' if key == "serial" else f"choose from: {keys}"
            raise _WrongEntry(f"there is no key `{key}`", hint, key) from error
        if missing := re.search("missing required field `([a-z]+)`", str(error)):
            raise _WrongEntry(f"{missing[1]} is missing", f"for example {_EXAMPLES[missing[1]]}") from error
        if not key:
            raise _WrongEntry("this is not a table [devices.NAME]", _HINT) from error
        raise _WrongEntry(f"{key} cannot have this value", f"for example {_EXAMPLES[key]}", key) from error


def _kind(entry: Entry) -> DeviceKind:
    configurable = [kind for kind in KINDS.values() if kind.transports]
    for kind in configurable:
        if entry.kind in (kind.name, *kind.aliases):
            return kind
    names = ", ".join(kind.name for kind in configurable)
    raise _WrongEntry(f"{entry.kind!r} is not a kind of device", f"choose kind from: {names}", "kind")


def _transport(entry: Entry, kind: DeviceKind) -> str:
    over_usb = USB.match(entry.address) is not None
    default = "adb-direct" if over_usb and "adb-direct" in kind.transports else kind.transports[0]
    transport = entry.transport or default
    if transport not in kind.transports:
        raise _WrongEntry(
            f"a device of kind {kind.name!r} cannot be reached by {transport!r}",
            f"{kind.name} goes with {' or '.join(kind.transports)}",
            "transport",
        )
    if over_usb and transport != "adb-direct":
        raise _WrongEntry(
            f"the address {entry.address!r} cannot be reached by {transport!r}",
            'usb:SERIAL goes with transport = "adb-direct"; Google\'s adb takes the serial alone',
            "address",
        )
    return transport


def _check_options(name: str, entry: Entry, kind: DeviceKind) -> None:
    if entry.libc == "system" and not kind.has_own_glibc:
        raise _WrongEntry(
            f"a device of kind {kind.name!r} has no system glibc", 'remove libc = "system"', "libc"
        )
    if entry.cores and not names_cores(entry.cores):
        names = ", ".join(CLUSTER_NAMES)
        raise _WrongEntry(
            f"{entry.cores!r} is not a list of cores and none of {names}",
            'for example cores = "4-7"',
            "cores",
        )
    if any(other.built_in and other.built_in.name == name.lower() for other in KINDS.values()):
        raise _WrongEntry(f"{name!r} is the name of a built-in device", "choose another name")


def _line_of(name: str, text: str, key: str = "") -> str:
    """Where a table or value of this name is, or the key in that table if the table has it."""
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
