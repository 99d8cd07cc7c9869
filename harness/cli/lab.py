"""`harness lab`: start, join, status, leave."""

import platform
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import parsing
from harness.cli.application import GroupedCommand, examples, lab_app, log, print_json, show
from harness.cli.option_checks import checked_list
from harness.cli.options import Json, Verbose
from harness.errors import UsageError
from harness.system.extras import require_extra
from harness.system.text import printable

if TYPE_CHECKING:
    from harness.lab.addresses import Address
    from harness.lab.membership import Membership, NodeState

Offered = Annotated[
    list[str] | None,
    typer.Option(
        "--device",
        "-d",
        callback=checked_list(parsing.parse_devices),
        metavar="NAMES",
        help="Devices to offer, comma separated, NAME=DEVICE to give one another name; default those of"
        " devices.toml and those attached.",
    ),
]
HostName = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="This host's name in the lab; default its own.")
]
ObjectStore = Annotated[
    str,
    typer.Option(
        metavar="SIZE", help="Memory for programs on their way between hosts; the largest must fit."
    ),
]
Foreground = Annotated[
    bool,
    typer.Option(
        "--foreground",
        help="Stay until Ctrl-C or SIGTERM, then leave the lab: for systemd and containers. Ends with exit"
        " code 4 if Ray ends by itself.",
    ),
]


@lab_app.command(
    "start",
    cls=GroupedCommand,
    epilog=examples(
        "harness lab start",
        "harness lab start --address 10.7.0.1 --device pixel,pi5",
        "harness lab start --device emu-a=emulator,emu-b=emulator:cortex-a53 --name desk",
    ),
)
def lab_start(
    address: Annotated[
        str,
        typer.Option(
            metavar="HOST[:PORT]",
            help="This host's address in the network of the lab; 127.0.0.1 is reached from this host alone.",
        ),
    ] = "127.0.0.1",
    device: Offered = None,
    name: HostName = None,
    object_store: ObjectStore = "1GB",
    foreground: Foreground = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Begin a lab on this host, which offers its devices.

    Who reaches the lab's ports and has its token runs programs on all hosts: use a private network.
    """
    require_extra("lab", "a lab of many hosts")
    from harness.lab.addresses import LOOPBACK, Address, check_own, parse_address

    head = parse_address(address, "--address")
    own = check_own(head.host, "--address")
    member = _membership(name, device, own, object_store)
    # Only now: it imports Ray.
    from harness.lab.node import start_head

    at = Address(own, head.port) if own == LOOPBACK else head
    _take_part(lambda: start_head(at, member, log), foreground=foreground, json=json)


@lab_app.command(
    "join",
    cls=GroupedCommand,
    epilog=examples(
        "harness lab join 10.7.0.1",
        "harness lab join 10.7.0.1:6379 --device pixel --name desk-2",
    ),
)
def lab_join(
    address: Annotated[str, typer.Argument(metavar="HOST[:PORT]", help="The address of the lab's head.")],
    device: Offered = None,
    name: HostName = None,
    own_address: Annotated[
        str | None,
        typer.Option(metavar="HOST", help="This host's address in the lab's network; default: found."),
    ] = None,
    object_store: ObjectStore = "1GB",
    foreground: Foreground = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Add this host to a lab, and offer its devices there.

    The host needs the lab's token: copy the file that `harness lab start` named, to the same place.
    """
    require_extra("lab", "a lab of many hosts")
    from harness.lab.addresses import check_own, find_own_address, parse_address

    head = parse_address(address, "HOST[:PORT]")
    own = check_own(own_address, "--own-address") if own_address else find_own_address(head)
    member = _membership(name, device, own, object_store)
    # Only now: it imports Ray.
    from harness.lab.node import join

    _take_part(lambda: join(head, member, log), foreground=foreground, json=json)


@lab_app.command(
    "status", cls=GroupedCommand, epilog=examples("harness lab status", "harness lab status --json")
)
def lab_status(
    address: Annotated[
        str | None,
        typer.Argument(
            metavar="HOST[:PORT]", help="The address of the lab's head; default: this host's lab."
        ),
    ] = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Show the hosts, devices and users of a lab.

    Also names what does not fit together, such as two versions of the harness.
    """
    require_extra("lab", "a lab of many hosts")
    from harness.cli.lab_status import show_status
    from harness.lab.connection import connected

    with connected(_known_address(address)) as lab:
        show_status(lab, json=json)


@lab_app.command(
    "leave", cls=GroupedCommand, epilog=examples("harness lab leave", "harness lab leave --name desk-2")
)
def lab_leave(
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="The name to leave as; default every one of this host."),
    ] = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Take this host out of its lab.

    At the head's host, this ends the lab.

    What is measured on its devices is ended, and reported where it was asked for.
    """
    require_extra("lab", "a lab of many hosts")
    from harness.lab.membership import forget_ended, read_states

    forget_ended()
    states = [state for state in read_states() if name in (None, state.name)]
    if not states:
        raise UsageError(
            "this host is in no lab" + (f" as {name}" if name else ""),
            hint="`harness lab status` lists hosts",
        )
    from harness.lab.node import leave

    for state in states:
        leave(state)
    if json:
        print_json({"left": [{"name": state.name, "address": state.address} for state in states]})
        return
    for state in states:
        show(printable(f"{state.name} has left the lab at {state.address}"))


def _take_part(begin: Callable[[], "NodeState"], *, foreground: bool, json: bool) -> None:
    from harness.lab.node import leave, stay

    state = begin()
    try:
        _report(state, json=json)
        sys.stdout.flush()
        if not foreground:
            return
        stay(state)
    except KeyboardInterrupt:  # while the message was printed
        leave(state)
    log(printable(f"{state.name} has left the lab at {state.address}"))


def _membership(
    name: str | None, device: list[str] | None, own_address: str, object_store: str
) -> "Membership":
    from harness.cli.quantity_options import parse_named
    from harness.lab.membership import Membership, check_name
    from harness.lab.offers import offered_devices
    from harness.system.paths import check_cache

    own_name = check_name(name or _host_name())
    object_store_bytes = parse_named("--object-store", _parse_object_store, object_store)
    check_cache()
    devices = offered_devices(parsing.parse_devices(device or []))
    return Membership(own_name, devices, own_address, object_store_bytes)


def _parse_object_store(text: str) -> int:
    from harness.cli.units import parse_size
    from harness.lab.membership import SMALLEST_OBJECT_STORE_BYTES, memory_bytes

    size_bytes = parse_size(text)
    if size_bytes < SMALLEST_OBJECT_STORE_BYTES:
        raise UsageError(
            f"{text} is too small: Ray needs {SMALLEST_OBJECT_STORE_BYTES / 1e6:.1f} MB",
            hint="give at least 80MB; default 1GB",
        )
    if size_bytes > memory_bytes():
        raise UsageError(
            f"{text} is more than this host's memory, {memory_bytes() / 1e9:.1f} GB",
            hint="give as much as the largest program with its inputs and outputs needs; default 1GB",
        )
    return size_bytes


def _host_name() -> str:
    """This machine's name without its domain, and without what no name of a host has."""
    return re.sub(r"[^A-Za-z0-9-]", "-", platform.node().partition(".")[0]).strip("-") or "host"


def _known_address(text: str | None) -> "Address":
    from harness.lab.addresses import parse_address
    from harness.lab.membership import read_states

    if text:
        return parse_address(text, "HOST[:PORT]")
    if states := read_states():
        return parse_address(states[0].address, "HOST[:PORT]")
    raise UsageError("this host is in no lab", hint="name the address of a lab's head")


def _report(state: "NodeState", *, json: bool) -> None:
    if json:
        print_json({"name": state.name, "address": state.address, "is_head": state.is_head})
        return
    if state.is_head:
        show(printable(f"{state.name} is the head of a lab at {state.address}"))
        show(f"other hosts join with: harness lab join {state.address}")
    else:
        show(printable(f"{state.name} has joined the lab at {state.address}"))
    show(f"measure with: harness run --lab {state.address} --device NAMES")
