"""`harness devices`, `harness doctor` and `harness bundle`."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.application import Json, app, bundle_app, console_for, examples, say


@app.command()
def devices(
    json: Json = False,
    example: Annotated[bool, typer.Option("--example", help="Print an example devices.toml.")] = False,
    clean: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="End our processes on a device and remove all we pushed."),
    ] = None,
) -> None:
    """List the devices attached, configured and built in."""
    from harness.cli import console
    from harness.devices import inventory

    if example:
        typer.echo(inventory.EXAMPLE.read_text(), nl=False)
        return
    if clean is not None:
        _clean(clean)
        return
    listed = inventory.list_known()
    if json:
        import msgspec

        typer.echo(msgspec.json.encode(listed).decode())
        return
    columns = ("name", "kind", "transport", "address", "tags", "state")
    rows = [(e.name, e.kind, e.transport, e.address, " ".join(e.tags), e.state) for e in listed]
    console.print_table(console_for(), "", columns, rows)


def _clean(name: str) -> None:
    from harness.devices import inventory
    from harness.devices.cleanup import clean
    from harness.devices.host_lock import hold_device
    from harness.devices.kinds import check_target, open_device
    from harness.devices.tuning import restore

    for target in inventory.resolve((name,)):
        check_target(target)
        with hold_device(target, say), open_device(target, say) as device:
            restore(device, say)
            cleaned = clean(device)
        typer.echo(
            f"{target.name}: removed {cleaned.freed_bytes / 1e6:.1f} MB from {cleaned.folder}, "
            f"{cleaned.jobs} job{'' if cleaned.jobs == 1 else 's'} among it"
        )


@app.command(epilog=examples("harness doctor", "harness doctor pixel"))
def doctor(
    name: Annotated[str | None, typer.Argument(help="A device; without it, only this machine.")] = None,
    json: Json = False,
) -> None:
    """Tell what would spoil a measurement, and the mend.

    Exit code 0 fit, 4 unfit.
    """
    from harness.cli import console
    from harness.devices import inventory
    from harness.measuring.doctor import examine

    targets = inventory.resolve((name,)) if name else (None,)
    diagnoses = tuple(dict.fromkeys(found for target in targets for found in examine(target, say)))
    if json:
        import msgspec

        typer.echo(msgspec.json.encode(diagnoses).decode())
    else:
        rows = [(d.subject, d.what, d.level, d.detail) for d in diagnoses]
        console.print_table(console_for(), "", ("of", "what", "", "found"), rows)
        for diagnosis in diagnoses:
            if diagnosis.hint:
                typer.echo(f"{diagnosis.subject}, {diagnosis.what}: {diagnosis.hint}")
    raise typer.Exit(4 if any(diagnosis.level == "unfit" for diagnosis in diagnoses) else 0)


@bundle_app.command("build")
def bundle_build() -> None:
    """Build the runner for arm64 and x86-64 now, unless it is there."""
    from harness.runner.bundle import ABIS, ensure_bundle

    for abi in ABIS:
        typer.echo(f"{abi}: {ensure_bundle(abi).folder}")


@bundle_app.command("export")
def bundle_export(file: Annotated[Path, typer.Argument(help="The file to write, .tar.gz.")]) -> None:
    """Write the built runners to one file, for hosts without a compiler."""
    from harness.runner.bundle import export_bundles

    export_bundles(file)
    typer.echo(file)


@bundle_app.command("import")
def bundle_import(
    file: Annotated[Path, typer.Argument(help="A file that `harness bundle export` wrote.")],
) -> None:
    """Take the runners from such a file instead of building them."""
    from harness.runner.bundle import import_bundles

    import_bundles(file)
