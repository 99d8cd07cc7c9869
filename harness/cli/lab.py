"""`harness lab`: start, join, status, leave."""

import platform
import re
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.application import GroupedCommand, examples, lab_app, log, print_json, show
from harness.cli.options import Json
from harness.errors import UsageError
from harness.system.extras import require_extra
from harness.system.text import printable

if TYPE_CHECKING:
    from harness.lab.addresses import Address
    from harness.lab.node import Membership, NodeState

Offered = Annotated[
    list[str] | None,
    typer.Option(
        "--device",
        "-d",
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
    json: Json = False,
) -> None:
    """Begin a lab on this host, which offers its devices.

    Who reaches the lab's ports and has its token runs programs on all hosts: use a private network.
    """
    require_extra("lab", "a lab of many hosts")
    from harness.lab.addresses import parse_address
    from harness.lab.node import start_head

    head = parse_address(address, "--address")
    _report(start_head(head, _membership(name, device, head.host, object_store), log), json=json)


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
    json: Json = False,
) -> None:
    """Add this host to a lab, and offer its devices there.

    The host needs the lab's token: copy the file that `harness lab start` named, to the same place.
    """
    require_extra("lab", "a lab of many hosts")
    from harness.lab.addresses import find_own_address, parse_address
    from harness.lab.node import join

    head = parse_address(address, "HOST[:PORT]")
    own = own_address or find_own_address(head)
    _report(join(head, _membership(name, device, own, object_store), log), json=json)


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
) -> None:
    """Show the hosts and devices of a lab, who uses them, and what does not fit."""
    require_extra("lab", "a lab of many hosts")
    from harness.cli.lab_status import show_status
    from harness.lab.connection import connected

    with connected(_known_address(address)) as lab:
        show_status(lab, json=json)


@lab_app.command(
    "leave", cls=GroupedCommand, epilog=examples("harness lab leave", "harness lab leave --name desk-2")
)
def lab_leave(name: HostName = None, json: Json = False) -> None:
    """Take this host out of its lab; at the head's host, this ends the lab.

    What is measured on its devices is ended, and reported where it was asked for.
    """
    require_extra("lab", "a lab of many hosts")
    from harness.lab.node import leave, read_states

    states = [state for state in read_states() if name in (None, state.name)]
    if not states:
        raise UsageError(
            "this host is in no lab" + (f" as {name}" if name else ""),
            hint="`harness lab status` lists hosts",
        )
    for state in states:
        leave(state)
    if json:
        print_json({"left": [{"name": state.name, "address": state.address} for state in states]})
        return
    for state in states:
        show(printable(f"{state.name} has left the lab at {state.address}"))


def _membership(
    name: str | None, device: list[str] | None, own_address: str, object_store: str
) -> "Membership":
    from harness.cli.parsing import parse_devices
    from harness.cli.quantity_options import parse_named
    from harness.cli.units import parse_size
    from harness.lab.node import Membership
    from harness.lab.offers import offered_devices
    from harness.system.paths import check_cache

    check_cache()
    return Membership(
        name or _host_name(),
        offered_devices(parse_devices(device or [])),
        own_address,
        parse_named("--object-store", parse_size, object_store),
    )


def _host_name() -> str:
    """This machine's name without its domain, and without what no name of a host has."""
    return re.sub(r"[^A-Za-z0-9-]", "-", platform.node().partition(".")[0]).strip("-") or "host"


def _known_address(text: str | None) -> "Address":
    from harness.lab.addresses import parse_address
    from harness.lab.node import read_states

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
