"""`harness devices`."""

import dataclasses
from typing import Annotated

import typer

from harness.cli.application import GroupedCommand, app, console_for, examples, log, print_json, show
from harness.cli.options import Json, Verbose
from harness.system.text import printable


@app.command(
    cls=GroupedCommand,
    epilog=examples("harness devices", "harness devices --example > devices.toml"),
)
def devices(
    json: Json = False,
    verbose: Verbose = False,
    example: Annotated[bool, typer.Option("--example", help="Print an example devices.toml.")] = False,
    clean: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="On this device, end the harness's processes and remove all it pushed."
        ),
    ] = None,
) -> None:
    """List the devices that are attached, configured and built in."""
    from harness.cli.tables import print_table
    from harness.devices import devices_toml, inventory

    if example:
        text = devices_toml.EXAMPLE.read_text()
        if json:
            print_json({"example": text})
        else:
            typer.echo(text, nl=False)
        return
    if clean is not None:
        _clean(clean, json=json)
        return
    listed = inventory.list_known()
    if json:
        print_json(listed)
        return
    columns = ("name", "kind", "transport", "address", "tags", "state")
    rows = [(e.name, e.kind, e.transport, e.address, " ".join(e.tags), e.state) for e in listed]
    print_table(console_for(), "", columns, rows)


def _clean(name: str, *, json: bool) -> None:
    from harness.devices.acquire import acquire
    from harness.devices.cleanup import clean
    from harness.devices.tuning import restore
    from harness.measuring.targets import resolve_devices

    cleaned = {}
    for target in resolve_devices((name,)):
        with acquire(target, log, lock_device=False) as device:
            restore(device, log)
            cleaned[target.name] = clean(device)
    if json:
        print_json([{"device": name, **dataclasses.asdict(one)} for name, one in cleaned.items()])
        return
    for name, one in cleaned.items():
        jobs = f"{one.jobs} job{'' if one.jobs == 1 else 's'}"
        removed = f"removed {one.freed_bytes / 1e6:.1f} MB from {one.folder}, including {jobs}"
        show(printable(f"{name}: {removed}"))
